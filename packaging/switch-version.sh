#!/bin/sh
# Starts another version of the agent, and goes back to the old one if the new one does not connect.
#
#   switch-version.sh FOLDER SECONDS   FOLDER is a name below /opt/slipway; the new agent must connect within SECONDS
#   switch-version.sh --after-crash    runs before every start of the agent, and undoes a switch that a power cut interrupted
#
# It runs in its own unit (slipway-switch.service), because it stops the agent that started it, and from a copy that the
# working version installed. It never touches apps or the proxy.
set -u

ROOT=/opt/slipway
UNITS=/etc/systemd/system
STATE=/var/lib/slipway
UNIT=slipway-agent.service
SWITCHING=$ROOT/switching

# point FOLDER: makes `current` lead to the folder in one step, and installs its unit files.
point() {
  ln -sfn "$1" "$ROOT/.current.new" && mv -T "$ROOT/.current.new" "$ROOT/current" || return 1
  for file in slipway-agent.service slipway.slice; do
    cmp -s "$ROOT/$1/packaging/$file" "$UNITS/$file" || install -m 0644 "$ROOT/$1/packaging/$file" "$UNITS/$file"
  done
  install -m 0755 "$ROOT/$1/packaging/switch-version.sh" "$ROOT/switch-version.sh"
  sync "$ROOT"
}

# The agent writes the name of its folder when the controller has accepted it.
connected_as() { [ "$(cat "$STATE/connected" 2>/dev/null)" = "$1" ]; }

# start_as FOLDER SECONDS: starts this version; true if it connects in time.
start_as() {
  systemctl stop "$UNIT"
  rm -f "$STATE/connected"
  point "$1" || return 1
  systemctl daemon-reload
  systemctl start --no-block "$UNIT"
  left=$(($2 * 5))
  until connected_as "$1"; do
    [ "$left" -gt 0 ] || return 1
    left=$((left - 1))
    sleep 0.2
  done
}

# result ok|failed FROM TO: writes the result that the agent reports to the controller once.
result() {
  printf '%s\n%s\n%s\n' "$1" "$2" "$3" >"$STATE/switch-result.new" && mv -f "$STATE/switch-result.new" "$STATE/switch-result"
}

# Keeps the running version and the previous one, and removes older ones.
prune() {
  for folder in "$ROOT"/[0-9]*; do
    name=${folder##*/}
    [ ! -d "$folder" ] || [ "$name" = "$1" ] || [ "$name" = "$2" ] || rm -rf "$folder"
  done
  for runtime in "$ROOT"/node-*; do
    used=
    for link in "$ROOT"/[0-9]*/node; do
      [ "$(readlink -f "$link")" != "$runtime" ] || used=yes
    done
    [ -n "$used" ] || rm -rf "$runtime"
  done
}

after_crash() {
  [ -f "$SWITCHING" ] || return 0
  # A switch that is still running is no crash.
  ! systemctl is-active --quiet slipway-switch.service || return 0
  read -r old new <"$SWITCHING" || return 0
  echo "The switch to $new was interrupted. Going back to $old."
  point "$old" && result failed "$old" "$new"
  rm -f "$SWITCHING"
}

main() {
  if [ "$1" = --after-crash ]; then
    after_crash
    return 0
  fi
  new=$1 seconds=$2
  [ -x "$ROOT/$new/node/bin/node" ] || { echo "$ROOT/$new is not a complete version." >&2; return 2; }
  old=$(readlink "$ROOT/current" 2>/dev/null || true)
  [ -z "$old" ] || [ "$old" = "$new" ] || printf '%s %s\n' "$old" "$new" >"$SWITCHING"
  if start_as "$new" "$seconds"; then
    rm -f "$SWITCHING"
    [ -z "$old" ] || [ "$old" = "$new" ] || result ok "$old" "$new"
    prune "$new" "$old"
    return 0
  fi
  [ -n "$old" ] && [ "$old" != "$new" ] || return 1
  echo "$new did not connect within $seconds s. Going back to $old." >&2
  result failed "$old" "$new"
  start_as "$old" 0
  rm -f "$SWITCHING"
  return 1
}

main "$@"
