# Reads the list of members of `tar -vv --numeric-owner --quoting-style=escape`. It prints `unsafe<TAB>why<TAB>name` for the
# first forbidden member, `lfs<TAB>name` for files as small as a Git LFS pointer, `empty<TAB>name` for folders
# without a member (git has none, but for submodules), `ds` if the archive contains .DS_Store files.
function refuse(why) { print "unsafe\t" why "\t" name; exit }
function leaves(path) { return path ~ /^\// || path ~ /(^|\/)\.\.(\/|$)/ }
function close_folder(next_name) { if (folder != "" && index(next_name, folder) != 1) print "empty\t" folder; folder = "" }
{
  type = substr($1, 1, 1)
  size = $3
  name = $0
  sub(/^[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ +[^ ]+ /, "", name)
  target = ""
  if (type == "h" && (at = index(name, " link to ")) > 0) { target = substr(name, at + 9); name = substr(name, 1, at - 1) }
  if (type == "l" && (at = index(name, " -> ")) > 0) name = substr(name, 1, at - 1)
  if (type == "c" || type == "b") refuse("a device node")
  if (type == "p") refuse("a named pipe")
  if (type !~ /^[-dlhCS]$/) refuse("of an unknown kind")
  if (name ~ /^\//) refuse("an absolute path")
  if (leaves(name)) refuse("a path with ..")
  if (type == "h" && leaves(target)) refuse("a hard link out of the tree")
  if (type == "-" && size >= 120 && size <= 200 && index(name, "\\") == 0) print "lfs\t" name
  if (name ~ /(^|\/)\.DS_Store$/) print "ds"
  close_folder(name)
  if (type == "d" && name ~ /[^.\/]/) folder = name
}
END { close_folder("") }
