# shellcheck shell=bash
# Unpacks, checks and prunes the source tree. It is in STAGE_DIR until the first buildpack runs.

# One pass: tar lists what it unpacks. Nothing can leave the stage: tar strips leading slashes, refuses `..`, and creates symlinks that lead
# out last. Outside of the stage, only folders of this build are writable. Then the list is checked.
unpack_source() {
  FINDINGS=$(unpack "$SOURCE_FILE" "$STAGE_DIR")
  local status=$? why name
  if [[ $FINDINGS =~ (^|$'\n')unsafe$'\t'([^$'\t']*)$'\t'([^$'\n']*) ]]; then
    why=${BASH_REMATCH[2]} name=${BASH_REMATCH[3]}
    fail UNSAFE_SOURCE "$why" "$name"
  fi
  ((status == 0)) || fail BAD_SOURCE "$(head -c 300 "$WORK/tar-errors" | head -n 1)"
}

# Unpacks archive $1 into folder $2 and prints the findings of members.awk. @return exit code of tar
unpack() {
  local status
  local -a options=(--numeric-owner --quoting-style=escape)
  tar -xvvzf "$1" -C "$2" "${options[@]}" --no-same-owner --no-same-permissions 2>"$WORK/tar-errors" | awk -f "$INSIDE_DIR/members.awk"
  status=${PIPESTATUS[0]}
  # A member that tar refused is not in its list. List the archive again to find its name.
  ((status == 0)) || tar -tvvzf "$1" -P "${options[@]}" 2>/dev/null | awk -f "$INSIDE_DIR/members.awk"
  return "$status"
}

# Warns about content that git does not put into an archive: submodules (with or without .gitmodules) and Git LFS files.
warn_about_absent_content() {
  warn_about_submodules
  warn_about_lfs_pointers
}

warn_about_submodules() {
  local kind path count=0
  [[ $FINDINGS == *empty$'\t'* ]] || return 0
  while IFS=$'\t' read -r kind path; do
    [[ $kind == empty ]] || continue
    path=${path#./} path=${path%/}
    warn "The submodule '${path:0:200}' is not part of a push, so its folder is empty in this build."
    ((++count < 20)) || break
  done <<<"$FINDINGS"
  warn 'Commit the files themselves: git rm --cached FOLDER; rm -rf FOLDER/.git; git add FOLDER; git commit'
}

warn_about_lfs_pointers() {
  local path pointers
  [[ $FINDINGS == *lfs$'\t'* ]] || return 0
  pointers=$(cd "$STAGE_DIR" && sed -n 's/^lfs\t//p' <<<"$FINDINGS" | tr '\n' '\0' |
    xargs -0 grep -lE -m 1 '^version https://(git-lfs|hawser)\.github\.com/spec/' -- 2>/dev/null | head -n 20)
  [[ -n $pointers ]] || return 0
  while read -r path; do
    warn "'${path:0:200}' is a Git LFS pointer. A push does not send the content of the file."
  done <<<"$pointers"
  warn 'Commit the file itself: git lfs untrack FILE; git add --renormalize FILE; git commit'
}

# Removes the same files as Heroku.
prune_source() {
  local -a gone=()
  local name
  for name in .git .gitmodules; do [[ -e $STAGE_DIR/$name || -L $STAGE_DIR/$name ]] && gone+=("$STAGE_DIR/$name"); done
  for name in log tmp; do
    [[ -d $STAGE_DIR/$name && ! -L $STAGE_DIR/$name ]] && gone+=("$STAGE_DIR/$name"/* "$STAGE_DIR/$name"/.[!.]* "$STAGE_DIR/$name"/..?*)
  done
  ((${#gone[@]} == 0)) || rm -rf -- "${gone[@]}"
  if [[ $'\n'$FINDINGS$'\n' == *$'\nds\n'* ]]; then find "$STAGE_DIR" -name .DS_Store -type f -delete; fi
}

# .slugignore: one shell glob per line. With a slash it is relative to the root; without a slash it matches names at any depth.
# Not a .gitignore: no `!`, and `*` does not match a leading dot.
apply_slugignore() {
  local file=$STAGE_DIR/.slugignore line count=0
  local -a patterns=()
  [[ -f $file && ! -L $file ]] || return 0
  while IFS= read -r line || [[ -n $line ]]; do
    line=${line%%#*}
    line=${line%"${line##*[![:space:]]}"}
    line=${line#"${line%%[![:space:]]*}"}
    [[ -n $line ]] && patterns+=("$line")
  done < <(head -c 65536 "$file" | tr -d '\0')
  ((${#patterns[@]} > 0)) || return 0
  for line in "${patterns[@]}"; do ignore_pattern "$line"; done
  ((count == 0)) || say_step "Deleting $count files matching .slugignore patterns."
}

ignore_pattern() {
  local pattern=$1 match
  if [[ /$pattern/ == */../* ]]; then
    warn ".slugignore: '${pattern:0:100}' contains '..' and was ignored."
    return 0
  fi
  if [[ $pattern == */* ]]; then
    delete_matches "$STAGE_DIR" "${pattern#/}"
  else
    while IFS= read -r -d '' match; do delete_matches "$match" "$pattern"; done < <(find "$STAGE_DIR" -type d -print0 2>/dev/null)
  fi
}

# Deletes the matches of a glob below a folder, if they are really in the stage and not behind a symlink.
delete_matches() {
  local folder=$1 pattern=$2 match parent IFS=
  local -a matches
  cd -P -- "$folder" 2>/dev/null || return 0
  shopt -s nullglob globstar
  # shellcheck disable=SC2206 # the glob is meant to expand; IFS is empty, so nothing is split
  matches=($pattern)
  shopt -u nullglob globstar
  for match in "${matches[@]}"; do
    match=${match%"${match##*[!/]}"}
    [[ -n $match && ( -e ./$match || -L ./$match ) && $match != . ]] || continue
    parent=.
    [[ $match == */* ]] && parent=${match%/*}
    parent=$(cd -P -- "./$parent" 2>/dev/null && pwd -P) || continue
    [[ $parent == "$STAGE_REAL" || $parent == "$STAGE_REAL"/* ]] || continue
    rm -rf -- "./$match" && count=$((count + 1))
  done
  cd -P -- "$BUILD_DIR" || exit 1
}

# Copies the manifests for the agent, which reports an invalid line before a buildpack runs for minutes.
copy_manifests() {
  local name text
  for name in Procfile app.json; do
    if [[ ! -f $1/$name ]]; then
      [[ -e $RESULT_DIR/$name ]] && rm -rf "${RESULT_DIR:?}/$name"
    # If bash reads the file to its end without a NUL, it knows the complete content. Other files are copied.
    elif IFS= read -r -d '' -n 65536 text <"$1/$name"; then
      head -c 1048577 "$1/$name" >"$RESULT_DIR/$name"
    else
      printf '%s' "$text" >"$RESULT_DIR/$name"
    fi
  done
  return 0
}
