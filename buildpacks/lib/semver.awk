# Prints the highest version on stdin (one `1.2.3` per line) that satisfies -v range='^24 || >=26'.
# Exit code 1: no version satisfies it; 2: the range is invalid. Pre-releases never match, as with npm.
function num(a, b, c) { return a * 10000000000 + b * 100000 + c }
function isx(part) { return part == "" || part ~ /^[xX*]$/ }
# Splits `1.2.x` into v1 v2 v3 and `given` (how many leading parts are numbers).
function parts(text,  p, n) {
  sub(/^[v=]+/, "", text)
  sub(/[-+].*$/, "", text)
  n = split(text, p, ".")
  if (n > 3 || text !~ /^([0-9]+|[xX*])?(\.([0-9]+|[xX*]))*$/) { unknown = 1; return }
  given = isx(p[1]) ? 0 : isx(p[2]) ? 1 : isx(p[3]) ? 2 : 3
  v1 = given > 0 ? p[1] + 0 : 0; v2 = given > 1 ? p[2] + 0 : 0; v3 = given > 2 ? p[3] + 0 : 0
}
function after_partial() { return given == 0 ? TOP : given == 1 ? num(v1 + 1, 0, 0) : given == 2 ? num(v1, v2 + 1, 0) : num(v1, v2, v3) + 1 }
function caret_end() {
  if (given == 0) return TOP
  if (v1 > 0 || given == 1) return num(v1 + 1, 0, 0)
  if (v2 > 0 || given == 2) return num(0, v2 + 1, 0)
  return num(0, 0, v3 + 1)
}
function narrow(low, high) { if (low > lo) lo = low; if (high < hi) hi = high }
function comparator(text,  op) {
  match(text, /^(>=|<=|>|<|~>|~|\^|=)?/)
  op = substr(text, 1, RLENGTH)
  parts(substr(text, RLENGTH + 1))
  if (op == ">=") narrow(num(v1, v2, v3), TOP)
  else if (op == ">") narrow(after_partial(), TOP)
  else if (op == "<") narrow(0, num(v1, v2, v3))
  else if (op == "<=") narrow(0, after_partial())
  else if (op == "^") narrow(num(v1, v2, v3), caret_end())
  else if (op == "~" || op == "~>") narrow(num(v1, v2, v3), given < 2 ? after_partial() : num(v1, v2 + 1, 0))
  else narrow(num(v1, v2, v3), after_partial())
}
function alternative(text,  words, n, i) {
  lo = 0; hi = TOP
  gsub(/^[ \t]+|[ \t]+$/, "", text)
  if (text == "" || text ~ /^(latest|node|current|lts|lts\/\*)$/) { keep(); return }
  if (match(text, /[ \t]+-[ \t]+/)) {
    until = substr(text, RSTART + RLENGTH)
    comparator(">=" substr(text, 1, RSTART - 1))
    comparator("<=" until)
    keep()
    return
  }
  while (match(text, /(>=|<=|>|<|~>|~|\^|=)[ \t]+/)) {
    op_text = substr(text, RSTART, RLENGTH)
    sub(/[ \t]+$/, "", op_text)
    text = substr(text, 1, RSTART - 1) op_text substr(text, RSTART + RLENGTH)
  }
  n = split(text, words, /[ \t,]+/)
  for (i = 1; i <= n; i++) if (words[i] != "") comparator(words[i])
  keep()
}
function keep() { count++; lows[count] = lo; highs[count] = hi }
BEGIN {
  TOP = num(99999, 0, 0)
  n = split(range, alternatives, /\|\|/)
  if (n == 0) { alternatives[1] = ""; n = 1 }
  for (i = 1; i <= n; i++) alternative(alternatives[i])
  if (unknown) exit 2
}
/^[0-9]+\.[0-9]+\.[0-9]+$/ {
  split($0, p, ".")
  value = num(p[1], p[2], p[3])
  for (i = 1; i <= count; i++) if (value >= lows[i] && value < highs[i] && value >= best) { best = value; best_text = $0 }
}
END { if (unknown) exit 2; if (best_text == "") exit 1; print best_text }
