# Writes each JSON object below the folder `to` without the top-level fields that `ignored` names (a|b|c), and without white space
# between tokens, because the hash of the install does not cover either. json.awk has checked the files before. POSIX awk.
function start_file() {
  finish_file()
  output = to "/" FILENAME
  depth = members = is_name = is_skipped = 0
}
function finish_file() {
  if (output == "") return
  printf "\n" > output
  close(output)
}
function put(token) {
  if (depth == 1 && token == ",") { is_name = 1; return }
  if (depth == 1 && is_name && token != "}") {
    is_name = 0
    is_skipped = token ~ ("^\"(" ignored ")\"$")
    if (!is_skipped) printf "%s%s", (members++ ? "," : ""), token > output
    return
  }
  if (token ~ /^[]}]$/) depth--
  if (!is_skipped || depth == 0) printf "%s", token > output
  if (token ~ /^[[{]$/ && ++depth == 1) is_name = 1
}
FNR == 1 { start_file() }
{
  rest = $0
  if (FNR == 1) sub(/^\357\273\277/, "", rest)
  while (1) {
    sub(/^[ \t\r]+/, "", rest)
    if (rest == "") break
    if (!match(rest, /^"([^"\\]|\\.)*"/) && !match(rest, /^[][{}:,]/)) match(rest, /^[^][{}:," \t\r]+/)
    put(substr(rest, 1, RLENGTH))
    rest = substr(rest, RLENGTH + 1)
  }
}
END { finish_file() }
