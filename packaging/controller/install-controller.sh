# shellcheck shell=sh
# The installation of a controller. `install.sh controller` sources this file, which uses functions of install.sh.
# shellcheck disable=SC2034 # install.sh reads some of these variables

C_ROOT=/opt/slipway-controller
C_ETC=/etc/slipway
C_CONFIG=$C_ETC/controller.json
# Contains the name of the first administrator.
C_ADMIN=$C_ETC/controller-admin
C_STATE=/var/lib/slipway-controller
C_CACHE=/var/cache/slipway-controller
C_USER=slipway-controller
C_UNIT=slipway-controller.service
C_COMMAND=/usr/local/bin/slipway
C_SECONDS=60

controller_usage() {
  cat <<'TEXT'
Usage: sudo ./install.sh controller [--host NAME] [--admin NAME] [--key FILE|-] [--dry-run]
       sudo ./install.sh controller --uninstall [--purge]

  --host NAME    name or address of this machine for people and nodes (default: its first address)
  --admin NAME   the first administrator (default: the caller of sudo); in a later run: gets a new settings file
  --key FILE|-   public SSH key of the administrator, - for standard input (default: id_*.pub of the caller of sudo)
  --dry-run      print what would be done, and change nothing
  --uninstall    remove program, unit and user; the data in /var/lib/slipway-controller stays
  --purge        with --uninstall: remove the data and the settings too

Run it again from a newer checkout to upgrade. Settings: /etc/slipway/controller.json
TEXT
}

controller_arguments() {
  ACTION=install DRY_RUN='' PURGE='' HOST='' ADMIN='' KEY=''
  while [ $# -gt 0 ]; do
    case $1 in
      --host | --admin | --key)
        { [ $# -gt 1 ] && [ -n "$2" ]; } || fail "$1 needs a value."
        case $1 in --host) HOST=$2 ;; --admin) ADMIN=$2 ;; --key) KEY=$2 ;; esac
        shift
        ;;
      --dry-run) DRY_RUN=yes ;;
      --uninstall) ACTION=uninstall ;;
      --purge) PURGE=yes ;;
      --help | -h) ACTION=help ;;
      *) fail "There is no option $1." "See: ./install.sh controller --help" ;;
    esac
    shift
  done
  case $HOST in *[!A-Za-z0-9.-]*) fail "\"$HOST\" cannot be the name of the controller. It must be a host name or an IPv4 address." ;; esac
  [ -z "$PURGE" ] || [ "$ACTION" = uninstall ] || fail "--purge needs --uninstall."
}

# --- 1. this machine ----------------------------------------------------------------------------------------------

# One value of the existing settings, by its path in the JSON.
controller_setting() {
  node -p 'const at = process.argv[2].split("."); String(at.reduce((value, name) => value[name], JSON.parse(require("fs").readFileSync(process.argv[1], "utf8"))))' "$C_CONFIG" "$1" 2>/dev/null ||
    fail "$C_CONFIG cannot be read, or has no $1." "Correct it; controller/config.ts describes every field."
}

controller_settings_there() {
  SSH_PORT=2222 API_PORT=7400 AGENT_PORT=7443
  if [ ! -f "$C_CONFIG" ]; then
    [ -n "$HOST" ] || HOST=$(hostname -I 2>/dev/null | awk '{ print $1 }')
    [ -n "$HOST" ] || HOST=$(uname -n)
    return 0
  fi
  SSH_PORT=$(controller_setting ssh.port)
  API_PORT=$(controller_setting api.port)
  AGENT_PORT=$(controller_setting agents.port)
  there=$(controller_setting publicHost)
  [ -z "$HOST" ] || [ "$HOST" = "$there" ] || warn "--host is ignored: $C_CONFIG says $there. Change it there, then run: systemctl restart $C_UNIT"
  HOST=$there
}

# The caller of sudo: gives the key of the first administrator, and gets the settings of the CLI in the home folder.
controller_person() {
  PERSON=${SUDO_USER:-root}
  id -u "$PERSON" >/dev/null 2>&1 || fail "SUDO_USER is $PERSON, but this machine has no such user."
  PERSON_HOME=$(getent passwd "$PERSON" | cut -d: -f6)
  NEW_ADMIN=
  [ -z "$ADMIN" ] && [ -f "$C_ADMIN" ] || NEW_ADMIN=yes
  if [ -z "$NEW_ADMIN" ]; then
    ADMIN=$(cat "$C_ADMIN")
    [ -z "$KEY" ] || warn "--key is ignored: the administrator $ADMIN exists. Add the key with: slipway keys:add FILE"
    return 0
  fi
  if [ -z "$ADMIN" ]; then ADMIN=$(say "$PERSON" | tr '[:upper:]' '[:lower:]' | sed 's/[^a-z0-9-]/-/g'); fi
  case $ADMIN in
    [!a-z]* | *[!a-z0-9-]* | ????????????????????????????????*) fail "\"$ADMIN\" cannot be the name of a user. A name has 1 to 31 lower-case letters, digits and dashes, and starts with a letter." "Choose another name: --admin ada" ;;
  esac
  controller_key
}

# Writes the key to $WORK/key.pub, if there is one.
controller_key() {
  if [ "$KEY" = - ]; then
    cat >"$WORK/key.pub"
  elif [ -n "$KEY" ]; then
    cat <"$KEY" >"$WORK/key.pub" || fail "The key $KEY cannot be read."
  else
    for file in "$PERSON_HOME"/.ssh/id_ed25519.pub "$PERSON_HOME"/.ssh/id_ecdsa.pub "$PERSON_HOME"/.ssh/id_rsa.pub; do
      [ ! -f "$file" ] || { KEY=$file && cat <"$file" >"$WORK/key.pub" && break; }
    done
  fi
  [ -n "$KEY" ] || return 0
  grep -q PRIVATE "$WORK/key.pub" && fail "$KEY is a private key. It was not used." "Give the public key: --key ${KEY}.pub"
  grep -Eq '^(ssh-|ecdsa-|sk-)' "$WORK/key.pub" || fail "There is no public SSH key in $KEY." "A public key is one line that starts with its type, such as ssh-ed25519."
}

controller_detect() {
  step 1 "This machine"
  require_root "Run: sudo ./install.sh controller"
  require_systemd "The controller runs as a systemd unit."
  command -v git >/dev/null || fail "git is missing; the controller needs it for pushes." "Install it. On Debian and Ubuntu: apt-get install git"
  SLIPWAY_ROOT=$HERE
  # shellcheck source=script/env
  . "$HERE/script/env"
  { command -v node >/dev/null && [ -d "$HERE/node_modules/esbuild" ]; } ||
    fail "$HERE is not complete: Node or its packages are missing." "Run script/bootstrap there (root is not needed), then run this again. If Node is only in your own PATH: sudo env PATH=\"\$PATH\" ./install.sh controller"
  controller_settings_there
  require_disk
  for port in "$SSH_PORT" "$API_PORT" "$AGENT_PORT"; do
    require_port "$port" "$C_ROOT/" "the controller" "choose another port for the controller in $C_CONFIG"
  done
  controller_person
  running=$(readlink "$C_ROOT/current" 2>/dev/null || true)
  say "    host $HOST, git on port $SSH_PORT, API on $API_PORT, agents on $AGENT_PORT${running:+; Slipway $running}"
}

# --- 2. to 5. -----------------------------------------------------------------------------------------------------

controller_program() {
  step 2 "Program: from $HERE to $C_ROOT, with its own runtime"
  planned && return 0
  mkdir -p "$C_ROOT"
  rm -rf "$C_ROOT"/.bundle-*
  made=$(node "$HERE/script/bundle.ts" --out "$C_ROOT" controller </dev/null 2>"$WORK/bundle") || {
    tail -n 8 "$WORK/bundle" >&2
    fail "The program could not be built." "Its runtime comes from the npm registry. Check the network and NPM_CONFIG_REGISTRY, then run this again."
  }
  NEW=${made##*/}
  say "    Slipway $NEW"
}

controller_settings() {
  step 3 "User $C_USER, $C_CONFIG, $C_UNIT"
  planned && return 0
  id -u "$C_USER" >/dev/null 2>&1 ||
    useradd --system --user-group --no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin "$C_USER"
  mkdir -p "$C_ETC"
  install -d -m 0700 "$C_STATE"
  # The user of an earlier installation may have had another id.
  [ "$(stat -c %U "$C_STATE")" = "$C_USER" ] || chown -R "$C_USER:$C_USER" "$C_STATE"
  if [ ! -f "$C_CONFIG" ]; then
    cat >"$C_CONFIG.new" <<JSON
{
  "stateDir": "$C_STATE",
  "publicHost": "$HOST",
  "ssh": { "host": "0.0.0.0", "port": $SSH_PORT },
  "api": { "host": "0.0.0.0", "port": $API_PORT },
  "agents": { "host": "0.0.0.0", "port": $AGENT_PORT }
}
JSON
    mv -f "$C_CONFIG.new" "$C_CONFIG"
  fi
  chown "root:$C_USER" "$C_CONFIG"
  chmod 0640 "$C_CONFIG"
  UNIT_CHANGED=
  unit=$C_ROOT/$NEW/packaging/controller/$C_UNIT
  cmp -s "$unit" "$UNITS/$C_UNIT" || { install -m 0644 "$unit" "$UNITS/$C_UNIT" && UNIT_CHANGED=yes; }
  systemctl daemon-reload
  [ -e "$C_COMMAND" ] || [ -L "$C_COMMAND" ] || { mkdir -p "${C_COMMAND%/*}" && ln -s "$C_ROOT/current/bin/slipway" "$C_COMMAND"; }
}

# as_user NAME PROGRAM…: runs the program without any privilege of root.
as_user() {
  (
    cd /
    name=$1
    shift
    exec setpriv --reuid "$name" --regid "$(id -g "$name")" --init-groups --no-new-privs --inh-caps=-all --bounding-set=-all -- "$@"
  )
}

controller_admin() {
  if [ -z "$NEW_ADMIN" ]; then
    step 4 "Administrator: $ADMIN exists"
    return 0
  fi
  if [ -n "$KEY" ]; then step 4 "Administrator: $ADMIN, with the key $KEY"; else step 4 "Administrator: $ADMIN, without a key"; fi
  planned && return 0
  systemctl stop "$C_UNIT" 2>/dev/null || true
  chmod 0711 "$WORK"
  install -d -o "$C_USER" -m 0700 "$WORK/admin"
  set -- --config "$C_CONFIG" --admin "$ADMIN" --out "$WORK/admin/cli.json"
  if [ -n "$KEY" ]; then
    chmod 0644 "$WORK/key.pub"
    set -- "$@" --key "$WORK/key.pub"
  fi
  as_user "$C_USER" "$C_ROOT/$NEW/node/bin/node" "$C_ROOT/$NEW/controller/main.ts" init "$@" </dev/null ||
    fail "The administrator could not be created. The reason is above." "Fix it, then run this again."
  # The owner of the home writes the file, so that a symbolic link there cannot misuse root.
  # shellcheck disable=SC2016
  CLI=$(as_user "$PERSON" sh -c '
    set -e
    umask 077
    mkdir -p "$1/.config/slipway"
    file=$1/.config/slipway/config.json
    [ ! -e "$file" ] || file=$1/.config/slipway/$2.json
    cat >"$file.new"
    mv -f "$file.new" "$file"
    printf %s "$file"' sh "$PERSON_HOME" "$HOST" <"$WORK/admin/cli.json") || fail "The settings of the CLI could not be written to $PERSON_HOME."
  say "$ADMIN" >"$C_ADMIN"
  say "    settings of the CLI, with a token: $CLI"
}

controller_answers() {
  systemctl is-active --quiet "$C_UNIT" || return 1
  for port in "$SSH_PORT" "$API_PORT" "$AGENT_PORT"; do [ -n "$(listening_inodes "$port")" ] || return 1; done
}

# controller_run FOLDER: starts this version; true if it answers in time.
controller_run() {
  ln -sfn "$1" "$C_ROOT/.current.new"
  mv -T "$C_ROOT/.current.new" "$C_ROOT/current"
  systemctl restart "$C_UNIT"
  left=$((C_SECONDS * 5))
  until controller_answers; do
    left=$((left - 1))
    [ "$left" -gt 0 ] || return 1
    sleep 0.2
  done
}

# Brings the database of before the upgrade back, if the new version has changed it and has not accepted work. Only then nothing is lost.
controller_undo() {
  systemctl stop "$C_UNIT" || true
  as_user "$C_USER" "$C_ROOT/$NEW/node/bin/node" "$C_ROOT/$NEW/controller/main.ts" undo-upgrade --config "$C_CONFIG" </dev/null >&2 || true
}

# The new version did not answer.
controller_go_back() {
  journalctl --quiet --unit "$C_UNIT" --output cat --lines 5 --no-pager >&2 || true
  if [ -z "$running" ] || [ "$running" = "$NEW" ]; then
    fail "The controller did not start within $C_SECONDS s." "The lines above are the end of its log. More: journalctl -u $C_UNIT"
  fi
  controller_undo
  controller_run "$running" ||
    fail "Neither Slipway $NEW nor $running starts." "If $running cannot read the database, the new version has accepted work. Repair $NEW and start it again, so that this work is not lost. More: journalctl -u $C_UNIT. Databases of before an upgrade are in $C_STATE/backups."
  fail "Slipway $NEW did not start within $C_SECONDS s, so $running runs again." "The lines above are the end of its log."
}

controller_start() {
  if ! planned && [ "$running" = "$NEW" ] && [ -z "$UNIT_CHANGED" ] && controller_answers; then
    step 5 "Controller: $NEW is already running"
    return 0
  fi
  step 5 "Controller: start ${NEW:-it}${running:+, which replaces $running}"
  planned && return 0
  systemctl enable --quiet "$C_UNIT"
  controller_run "$NEW" || controller_go_back
  # Keep this version and the previous one.
  for folder in "$C_ROOT"/[0-9]*; do
    [ "$folder" = "$C_ROOT/$NEW" ] || [ "$folder" = "$C_ROOT/$running" ] || rm -rf "$folder"
  done
}

controller_how() {
  say ""
  say "The controller answers at https://$HOST:$API_PORT. Continue as $PERSON:"
  [ -z "${CLI-}" ] || [ "$CLI" = "$PERSON_HOME/.config/slipway/config.json" ] || say "    export SLIPWAY_CONFIG=$CLI"
  [ -z "$NEW_ADMIN" ] || [ -n "$KEY" ] || say "    slipway keys:add FILE     adds a public SSH key for pushes"
  say "    slipway status"
  say "    slipway nodes:token       prints the line that makes a machine a node"
  say "    git remote add slipway ssh://slipway@$HOST:$SSH_PORT/my-app.git && git push slipway main"
  say "People need the ports $SSH_PORT and $API_PORT, nodes need $API_PORT and $AGENT_PORT. Settings, such as baseDomain: $C_CONFIG"
}

# --- uninstall ----------------------------------------------------------------------------------------------------

controller_uninstall() {
  STEPS=2
  require_root "Run: sudo ./install.sh controller --uninstall"
  step 1 "Remove $C_UNIT, $C_ROOT and the user $C_USER"
  if [ -n "$PURGE" ]; then
    step 2 "Remove the data ($C_STATE) and the settings of the controller"
  else
    step 2 "Keep the data ($C_STATE) and the settings of the controller; --purge removes them"
  fi
  planned && return 0
  systemctl disable --now --quiet "$C_UNIT" 2>/dev/null || true
  rm -f "$UNITS/$C_UNIT"
  systemctl daemon-reload
  systemctl reset-failed "$C_UNIT" 2>/dev/null || true
  rm -rf "$C_ROOT" "$C_CACHE"
  [ "$(readlink "$C_COMMAND" 2>/dev/null)" != "$C_ROOT/current/bin/slipway" ] || rm -f "$C_COMMAND"
  if [ -n "$PURGE" ]; then
    rm -rf "$C_STATE"
    rm -f "$C_CONFIG" "$C_ADMIN" "$C_ETC/controller.env"
    rmdir "$C_ETC" 2>/dev/null || true
  else
    # A later system user may get the same id.
    for kept in "$C_STATE" "$C_CONFIG"; do [ ! -e "$kept" ] || chown -R root:root "$kept"; done
  fi
  ! id -u "$C_USER" >/dev/null 2>&1 || userdel "$C_USER" || fail "The user $C_USER could not be removed."
  say "The controller was removed from this machine."
}

controller_main() {
  STEPS=5 NEW=''
  controller_arguments "$@"
  if [ "$ACTION" = help ]; then
    controller_usage
    return 0
  fi
  work_folder
  planned || [ "$(id -u)" -ne 0 ] || take_turn
  if [ "$ACTION" = uninstall ]; then
    controller_uninstall
    return 0
  fi
  controller_detect
  controller_program
  controller_settings
  controller_admin
  controller_start
  if planned; then say "Dry run: nothing was changed."; else controller_how; fi
}
