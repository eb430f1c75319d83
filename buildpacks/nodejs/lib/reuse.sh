# shellcheck shell=bash
# Reuse of an install: its product is kept in CACHE_DIR under the key of its inputs, and unpacked over the source later.
# During the install the rest of the source is hidden, so the key covers everything that the install can read.

SNAPSHOT_DIR=$CACHE_DIR/install
# A larger product would take more than half of a build cache.
SNAPSHOT_MAX_KIB=1048576

# Moves the source away and puts copies of the inputs in its place. Package.json files are reduced to what the key covers.
hide_source() {
  HIDDEN=$BUILD_DIR/.slipway-source-$SRANDOM
  mkdir "$HIDDEN" || die 'The source could not be set aside for the install.'
  move_entries "$BUILD_DIR" "$HIDDEN"
  printf '%s\0' "${MANIFESTS[@]}" "${INPUTS[@]}" | tar -cf - -C "$HIDDEN" --exclude=node_modules --exclude=.yarn/install-state.gz --null -T - |
    tar -xpf - -C "$BUILD_DIR" --no-same-owner || die 'The source could not be set aside for the install.'
  reduce_manifests
  # An install script that walks through all folders must not find it. (Root may still.)
  chmod 000 "$HIDDEN"
}

# Moves all but the runtime and the hidden folder itself.
move_entries() {
  local entry
  local -a entries=()
  shopt -s nullglob dotglob
  for entry in "$1"/*; do [[ ${entry##*/} == .heroku || ${entry##*/} == .slipway-* ]] || entries+=("$entry"); done
  shopt -u nullglob dotglob
  ((${#entries[@]} == 0)) || mv -t "$2" -- "${entries[@]}" || die 'The source could not be moved.'
}

# With `./` no name looks like an assignment to awk.
reduce_manifests() {
  (cd "$HIDDEN" && awk -v to="$BUILD_DIR" -v ignored="$IGNORED_FIELDS" -f "$HERE/lib/reduce.awk" "${MANIFESTS[@]/#/./}") ||
    die 'package.json could not be prepared for the install.'
}

# Removes the inputs: the files that remain in BUILD_DIR are the product of the install.
remove_inputs() {
  local path
  chmod 755 "$HIDDEN"
  (cd "$BUILD_DIR" && rm -f -- "${MANIFESTS[@]}")
  for path in "${INPUTS[@]}"; do remove_unchanged "$path"; done
}

# An input that the install changed belongs to its product.
remove_unchanged() {
  local entry
  if [[ -d $BUILD_DIR/$1 && ! -L $BUILD_DIR/$1 && -d $HIDDEN/$1 && ! -L $HIDDEN/$1 ]]; then
    while IFS= read -r -d '' entry; do
      same_file "$BUILD_DIR/$1/$entry" "$HIDDEN/$1/$entry" && rm -f -- "$BUILD_DIR/$1/$entry"
    done < <(find "$BUILD_DIR/$1" -name node_modules -prune -o ! -type d -printf '%P\0')
  elif same_file "$BUILD_DIR/$1" "$HIDDEN/$1"; then
    rm -f -- "$BUILD_DIR/$1"
  fi
}

same_file() {
  if [[ -L $1 || -L $2 ]]; then [[ -L $1 && -L $2 && $(readlink -- "$1") == "$(readlink -- "$2")" ]]; else cmp -s -- "$1" "$2"; fi
}

# Puts the source back. Where source and product have the same file, the file of the product stays.
show_source() {
  merge_folder "$HIDDEN" "$BUILD_DIR"
  rm -rf -- "$HIDDEN"
}

merge_folder() {
  local entry name
  local -a moved=()
  local -a entries=()
  shopt -s nullglob dotglob
  entries=("$1"/*)
  shopt -u nullglob dotglob
  for entry in "${entries[@]}"; do
    name=${entry##*/}
    if [[ ! -e $2/$name && ! -L $2/$name ]]; then moved+=("$entry")
    elif [[ -d $entry && ! -L $entry && -d $2/$name && ! -L $2/$name ]]; then merge_folder "$entry" "$2/$name"
    fi
  done
  ((${#moved[@]} == 0)) || mv -t "$2" -- "${moved[@]}" || die 'The source could not be put back after the install.'
}

# Removes the product of an install that failed.
discard_product() {
  local entry
  shopt -s nullglob dotglob
  for entry in "$BUILD_DIR"/*; do [[ ${entry##*/} == .heroku || ${entry##*/} == .slipway-* ]] || rm -rf -- "$entry"; done
  shopt -u nullglob dotglob
}

# True when the product is node_modules at the root and nothing else: then the mounted layer is all of it.
is_product_in_one_folder() {
  [[ -z $(find "$BUILD_DIR" -mindepth 1 \( -path "$BUILD_DIR/node_modules" -o -path "$BUILD_DIR/.heroku" -o -path "$HIDDEN" \) -prune -o ! -type d -print -quit) ]]
}

save_snapshot() {
  mkdir -p "$SNAPSHOT_DIR"
  rm -f "$SNAPSHOT_DIR"/*
  (
    ulimit -f "$SNAPSHOT_MAX_KIB"
    tar -cf "$SNAPSHOT_DIR/making" -C "$BUILD_DIR" --exclude=./.heroku --exclude='./.slipway-*' . 2>/dev/null
  ) 2>/dev/null && mv "$SNAPSHOT_DIR/making" "$SNAPSHOT_DIR/$1.tar" && return 0
  rm -f "$SNAPSHOT_DIR"/*
  info 'The installed packages are too large for the build cache: every build installs them again.'
}

# @return 1 when there is none for this key
restore_snapshot() {
  local file=$SNAPSHOT_DIR/$1.tar
  [[ -f $file ]] || return 1
  tar -xpf "$file" -C "$BUILD_DIR" --no-same-owner 2>/dev/null && return 0
  rm -f "$file"
  die 'The installed packages could not be taken from the build cache.' 'They are gone from it now: push again.'
}
