# shellcheck shell=bash
# Files that users expect a buildpack to read, but that no buildpack reads. Each causes a warning or explains why no buildpack was detected.

# File at the root → language or tool. Languages of our own buildpacks are not in the list.
declare -A LANGUAGES=(
  [Gemfile]=Ruby [go.mod]=Go [composer.json]=PHP [Cargo.toml]=Rust [pom.xml]=Java [build.gradle]=Java [build.gradle.kts]=Kotlin
  [mix.exs]=Elixir [build.sbt]=Scala [project.clj]=Clojure [deno.json]=Deno [bun.lockb]=Bun [Dockerfile]=Docker
)
# Language → its usual buildpack.
declare -A REGISTRY_NAMES=(
  [Ruby]=heroku/ruby [Go]=heroku/go [PHP]=heroku/php [Java]=heroku/java [Kotlin]=heroku/gradle [Scala]=heroku/scala [Clojure]=heroku/clojure
  [Rust]=emk/rust [Elixir]=hashnuke/elixir
)
MAX_FOLDERS_BELOW=40

# Prints the first language without a buildpack of ours: `Ruby Gemfile heroku/ruby`. Without a known buildpack, the last word is absent.
name_language() {
  local file
  for file in Gemfile go.mod composer.json Cargo.toml pom.xml build.gradle build.gradle.kts mix.exs build.sbt project.clj deno.json bun.lockb Dockerfile; do
    [[ -f $STAGE_DIR/$file ]] || continue
    printf '%s %s %s' "${LANGUAGES[$file]}" "$file" "${REGISTRY_NAMES[${LANGUAGES[$file]}]-}"
    return 0
  done
}

# Prints the first folder below the root that one of our buildpacks can build.
find_app_below() {
  local folder name count=0
  local -a folders=()
  shopt -s nullglob
  folders=("$STAGE_DIR"/*/ "$STAGE_DIR"/{apps,packages,services}/*/)
  shopt -u nullglob
  for folder in "${folders[@]}"; do
    ((++count <= MAX_FOLDERS_BELOW)) || return 0
    [[ -L ${folder%/} || $folder == */node_modules/ ]] && continue
    for name in "${DETECTION_ORDER[@]}"; do
      "$BUILDPACKS_DIR/$name/bin/detect" "$folder" </dev/null >/dev/null 2>&1 || continue
      folder=${folder#"$STAGE_DIR"/}
      printf '%s' "${folder%/}"
      return 0
    done
  done
}

# Called only after detection: a user who sets buildpacks knows which files they read.
warn_about_other_languages() {
  local language file buildpack
  read -r language file buildpack <<<"$(name_language)"
  # If an app was detected, a Dockerfile is for another platform.
  [[ -n $language && $language != Docker ]] || return 0
  if [[ -n $buildpack ]]; then
    warn "$file is not read. For $language, name a buildpack in a file .buildpacks, for example: $buildpack"
  else
    warn "$file is not read. For $language, name a buildpack in a file .buildpacks."
  fi
}

warn_about_miscased_procfile() {
  local name
  [[ ! -e $STAGE_DIR/Procfile ]] || return 0
  shopt -s nullglob nocaseglob
  for name in "$STAGE_DIR"/[p]rocfile "$STAGE_DIR"/[p]rocfile.txt "$STAGE_DIR"/[p]rocfile.yml; do
    warn "${name##*/} is not read. The name of the file must be exactly Procfile."
  done
  shopt -u nullglob nocaseglob
}

warn_about_second_lockfile() {
  local name used=''
  [[ -f $STAGE_DIR/package.json ]] || return 0
  # In the order of the nodejs buildpack.
  for name in pnpm-lock.yaml yarn.lock package-lock.json npm-shrinkwrap.json bun.lock bun.lockb; do
    [[ -f $STAGE_DIR/$name ]] || continue
    if [[ -z $used ]]; then used=$name; else warn "$name is not read, because $used decides the versions. Remove one of the two files."; fi
  done
}

# Reports the output folder of a site generator. If no command is declared, the agent suggests to serve this folder.
note_built_site() {
  local folder
  rm -rf "${RESULT_DIR:?}/site"
  for folder in dist build out public _site www docs; do
    [[ -f $BUILD_DIR/$folder/index.html ]] || continue
    printf '%s' "$folder" >"$RESULT_DIR/site"
    return 0
  done
}
