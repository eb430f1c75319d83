# shellcheck shell=bash
# The stack's interpreter, a venv for the app, and what has to be installed into it.

VENV_PATH=.heroku/python

# Sets PYTHON and PYTHON_VERSION (3.11.2).
find_python() {
  PYTHON=$(command -v python3) || die 'python3 is not on this stack.' 'The operator installs it on the builder and every node: apt install python3 python3-venv'
  # Never an app's sitecustomize or user packages.
  PYTHON_VERSION=$("$PYTHON" -I -S -c 'import sys; print("%d.%d.%d" % sys.version_info[:3])') || die 'python3 of this stack does not run.'
}

# The files the requirements consist of: requirements.txt with what it includes, else pyproject.toml.
requirement_files() {
  local -a queue=() seen=()
  local file line
  [[ -f $BUILD_DIR/requirements.txt ]] || { [[ -f $BUILD_DIR/pyproject.toml ]] && echo pyproject.toml; return 0; }
  queue=(requirements.txt)
  while ((${#queue[@]} > 0 && ${#seen[@]} < 50)); do
    file=${queue[0]} queue=("${queue[@]:1}")
    [[ -f $BUILD_DIR/$file && " ${seen[*]} " != *" $file "* ]] || continue
    seen+=("$file")
    printf '%s\n' "$file"
    while IFS= read -r line || [[ -n $line ]]; do
      if [[ $line =~ ^[[:space:]]*(-r|-c|--requirement|--constraint)[[:space:]=]*([^[:space:]#]+) ]]; then queue+=("${BASH_REMATCH[2]}"); fi
    done <"$BUILD_DIR/$file"
  done
}

# True when the app's own source is itself installed (`-e .`, `./lib`, setup.py): then the key cannot promise the content.
installs_own_source() {
  local file
  [[ -f $BUILD_DIR/requirements.txt || -f $BUILD_DIR/pyproject.toml ]] || return 0
  while IFS= read -r file; do
    grep -qE '^[[:space:]]*(-e|--editable|\.|/|file:)|@[[:space:]]*file:' "$BUILD_DIR/$file" && return 0
  done < <(requirement_files)
  return 1
}

venv_key() {
  local hash file
  hash=$({
    printf '%s\n' "${STACK-}" "$HOSTTYPE" "$PYTHON_VERSION"
    while IFS= read -r file; do printf '%s\n' "$file"; cat "$BUILD_DIR/$file"; done < <(requirement_files)
    for file in "$ENV_DIR"/PIP_*; do [[ -f $file ]] && { printf '%s\n' "${file##*/}"; cat "$file"; }; done
  } | sha256_of)
  printf 'venv %s %s' "$PYTHON_VERSION" "$hash"
  if installs_own_source; then printf ' %s' "${SOURCE_VERSION:-none}"; fi
}

# True when there is not one requirement: then neither pip nor an index is needed.
nothing_to_install() {
  local file
  installs_own_source && return 1
  [[ -f $BUILD_DIR/requirements.txt ]] || { [[ -z $(pyproject_dependencies) ]]; return; }
  while IFS= read -r file; do
    grep -qvE '^[[:space:]]*(#|$|-r|-c|--requirement|--constraint)' "$BUILD_DIR/$file" && return 1
  done < <(requirement_files)
  return 0
}

# project.dependencies of pyproject.toml, one a line.
pyproject_dependencies() {
  "$PYTHON" -I -S - "$BUILD_DIR/pyproject.toml" <<'PROGRAM' || die 'pyproject.toml could not be read (it needs Python 3.11 or newer, and valid TOML).'
import sys, tomllib
with open(sys.argv[1], "rb") as file:
    for line in tomllib.load(file).get("project", {}).get("dependencies", []):
        print(line)
PROGRAM
}

make_venv() {
  rm -rf "${BUILD_DIR:?}/$VENV_PATH"
  "$PYTHON" -I -m venv --without-pip "$BUILD_DIR/$VENV_PATH" ||
    die 'A virtual environment could not be made.' 'The operator installs the missing part on the builder: apt install python3-venv'
}

# pip of the stack, else the one that ensurepip carries: never a copy inside the venv.
run_pip() {
  local wheel
  if "$PYTHON" -I -m pip --version >/dev/null 2>&1; then
    with_tool_env "$PYTHON" -I -m pip --python "$BUILD_DIR/$VENV_PATH/bin/python3" "$@"
    return
  fi
  for wheel in /usr/share/python-wheels/pip-*.whl /usr/lib/python3*/ensurepip/_bundled/pip-*.whl; do
    [[ -f $wheel ]] || continue
    with_tool_env "$PYTHON" "$wheel/pip" --python "$BUILD_DIR/$VENV_PATH/bin/python3" "$@"
    return
  done
  die 'pip is not on this builder, and this app has requirements.' 'The operator installs it: apt install python3-venv python3-pip'
}

install_requirements() {
  local -a what=()
  if [[ -f $BUILD_DIR/requirements.txt ]]; then
    what=(-r requirements.txt)
  elif [[ -f $BUILD_DIR/pyproject.toml ]]; then
    pyproject_dependencies >"$CACHE_DIR/pyproject-requirements.txt"
    what=(-r "$CACHE_DIR/pyproject-requirements.txt")
  else
    what=(.)
  fi
  info "Installing requirements with pip (${what[*]/#$CACHE_DIR*/pyproject.toml})"
  cd "$BUILD_DIR" || exit 1
  # Indexes of the app's own (PIP_EXTRA_INDEX_URL), and what its requirements name as ${TOKEN}.
  read_app_env "$ENV_DIR"
  TOOL_ENV=("HOME=$CACHE_DIR/home" "PIP_CACHE_DIR=$CACHE_DIR/pip")
  run_pip install --no-compile --no-input --disable-pip-version-check --progress-bar off "${what[@]}" 2>&1 | indent
  ((PIPESTATUS[0] == 0)) && return 0
  if cause_is network; then
    die 'pip could not reach the package index (see above).' \
      'Push again; if it stays so, name an index that the builder reaches: slipway config:set PIP_INDEX_URL=https://…'
  fi
  die 'pip could not install the requirements (see above).' 'Check names and versions in requirements.txt, commit and push again.'
}

# Byte code that stays valid whatever the files' times are; scripts that find the interpreter wherever the app lies.
finish_venv() {
  local script first
  "$BUILD_DIR/$VENV_PATH/bin/python3" -I -m compileall -q --invalidation-mode unchecked-hash "$BUILD_DIR/$VENV_PATH/lib" >/dev/null ||
    info 'Some modules could not be compiled to byte code; they will be at their first import.'
  for script in "$BUILD_DIR/$VENV_PATH"/bin/*; do
    [[ -f $script && ! -L $script ]] || continue
    IFS= read -r first <"$script"
    [[ $first == "#!$BUILD_DIR/$VENV_PATH/bin/python"* ]] && sed -i '1s|^#!.*|#!/usr/bin/env python3|' "$script"
  done
  return 0
}
