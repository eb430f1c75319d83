# shellcheck shell=bash
# Reuses an install. Its product is kept in CACHE_DIR under the key of its inputs, and later unpacked over the source.
# During the install the rest of the source is hidden, so the key covers everything that the install can read.

SNAPSHOT_DIR=$CACHE_DIR/install
# A larger product would take more than half of a build cache.
SNAPSHOT_MAX_KIB=1048576

# Hides the source and puts copies of the inputs in its place. Each package.json is reduced to the fields that the key covers.
hide_source() {
  HIDDEN=$BUILD_DIR/.slipway-source-$SRANDOM
  mkdir "$HIDDEN" || die 'The source could not be hidden for the install.'
  move_entries "$BUILD_DIR" "$HIDDEN"
  printf '%s\0' "${MANIFESTS[@]}" "${INPUTS[@]}" | tar -cf - -C "$HIDDEN" --exclude=node_modules --exclude=.yarn/install-state.gz --null -T - |
    tar -xpf - -C "$BUILD_DIR" --no-same-owner || die 'The source could not be hidden for the install.'
  reduce_manifests
  # An install script that walks through all folders must not find it. (Root can still read it.)
  chmod 000 "$HIDDEN"
}

# Moves everything except the runtime and the hidden folder.
move_entries() {
  local entry
  local -a entries=()
  shopt -s nullglob dotglob
  for entry in "$1"/*; do [[ ${entry##*/} == .heroku || ${entry##*/} == .slipway-* ]] || entries+=("$entry"); done
  shopt -u nullglob dotglob
  ((${#entries[@]} == 0)) || mv -t "$2" -- "${entries[@]}" || die 'The source could not be moved.'
}

# The prefix `./` keeps awk from reading a name as an assignment.
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

# Keeps an input that the install changed, because it belongs to the product.
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

# True if the product is only node_modules at the root. Then the mounted layer is the whole product.
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
  info 'The installed packages are too large for the build cache, so every build installs them again.'
}

# @return 1 if there is no snapshot for this key
restore_snapshot() {
  local file=$SNAPSHOT_DIR/$1.tar
  [[ -f $file ]] || return 1
  tar -xpf "$file" -C "$BUILD_DIR" --no-same-owner 2>/dev/null && return 0
  rm -f "$file"
  die 'The installed packages could not be read from the build cache.' 'They were removed from the cache. Push again.'
}
