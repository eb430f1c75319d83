# Flattens a JSON text into lines `/path<TAB>type<TAB>raw value`, one per string, number, literal, {} or [].
# Types: s(tring), n(umber), l(iteral), o(bject start), a(rray start). Exit code 3: not JSON.
# With -v named=1 several files may be given, and each line starts with the name of its file and a tab.
# Strings keep their escapes except `\/`, so a value never contains a line break. POSIX awk, so no language runtime is needed.
function bad() { failed = 1; exit 3 }
function path(  i, p) { p = ""; for (i = 1; i <= depth; i++) p = p "/" at[i]; return p }
function emit(type, value) { print (named ? FILENAME "\t" : "") path() "\t" type "\t" value }
function value_done() { state = depth == 0 ? "end" : "next" }
function open_container(kind) {
  emit(kind, "")
  depth++
  kinds[depth] = kind
  at[depth] = kind == "a" ? 0 : ""
  state = kind == "a" ? "first" : "key1"
}
function close_container(kind) {
  if (depth == 0 || kinds[depth] != kind) bad()
  depth--
  value_done()
}
function unquote(text) {
  text = substr(text, 2, length(text) - 2)
  gsub(/\\\//, "/", text)
  return text
}
function string_token(text) {
  if (state == "key" || state == "key1") { at[depth] = unquote(text); state = "colon" }
  else if (state == "value" || state == "first") { emit("s", unquote(text)); value_done() }
  else bad()
}
function scalar(type, text) {
  if (state != "value" && state != "first") bad()
  emit(type, text)
  value_done()
}
function symbol(c) {
  if (c == ":" && state == "colon") state = "value"
  else if (c == "," && state == "next") {
    if (kinds[depth] == "a") { at[depth]++; state = "value" } else state = "key"
  }
  else if (c == "{" && (state == "value" || state == "first")) open_container("o")
  else if (c == "[" && (state == "value" || state == "first")) open_container("a")
  else if (c == "}" && (state == "next" || state == "key1")) close_container("o")
  else if (c == "]" && (state == "next" || state == "first")) close_container("a")
  else bad()
}
BEGIN { depth = 0; state = "value" }
{
  rest = $0
  if (FNR == 1 && NR > 1) { if (state != "end") bad(); depth = 0; state = "value" }
  if (FNR == 1) sub(/^\357\273\277/, "", rest)
  while (1) {
    sub(/^[ \t\r]+/, "", rest)
    if (rest == "") break
    if (match(rest, /^"([^"\\]|\\.)*"/)) { token = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1); string_token(token) }
    else if (match(rest, /^[][{}:,]/)) { token = substr(rest, 1, 1); rest = substr(rest, 2); symbol(token) }
    else if (match(rest, /^-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?/)) { token = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1); scalar("n", token) }
    else if (match(rest, /^(true|false|null)/)) { token = substr(rest, 1, RLENGTH); rest = substr(rest, RLENGTH + 1); scalar("l", token) }
    else bad()
  }
}
END { if (failed || state != "end") exit 3 }
