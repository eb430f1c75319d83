#!/bin/sh
# Makes another version of the agent the running one, and goes back by itself when that one does not connect.
#
#   switch-version.sh FOLDER SECONDS   FOLDER is a name below /opt/slipway; the new agent has so long to connect
#   switch-version.sh --after-crash    before every start of the agent: a switch that a power cut interrupted is undone
#
# Runs in a unit of its own (slipway-switch.service), from the copy that the working version left: it stops the agent that asked
# for it. Apps and proxy are never touched.
set -u

ROOT=/opt/slipway
UNITS=/etc/systemd/system
STATE=/var/lib/slipway
UNIT=slipway-agent.service
SWITCHING=$ROOT/switching

# point FOLDER: `current` leads there from now on, in one step; its unit files are systemd's.
point() {
  ln -sfn "$1" "$ROOT/.current.new" && mv -T "$ROOT/.current.new" "$ROOT/current" || return 1
  for file in slipway-agent.service slipway.slice; do
    cmp -s "$ROOT/$1/packaging/$file" "$UNITS/$file" || install -m 0644 "$ROOT/$1/packaging/$file" "$UNITS/$file"
  done
  install -m 0755 "$ROOT/$1/packaging/switch-version.sh" "$ROOT/switch-version.sh"
  sync "$ROOT"
}

# The agent writes its folder's name when the controller has welcomed it.
connected_as() { [ "$(cat "$STATE/connected" 2>/dev/null)" = "$1" ]; }

# start_as FOLDER SECONDS: true when that version is connected in time.
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

# result ok|failed FROM TO: what the agent tells the controller. Read once.
result() {
  printf '%s\n%s\n%s\n' "$1" "$2" "$3" >"$STATE/switch-result.new" && mv -f "$STATE/switch-result.new" "$STATE/switch-result"
}

# The running version and the one before stay; older ones go.
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
  # The one that works on it at this moment is no crash.
  ! systemctl is-active --quiet slipway-switch.service || return 0
  read -r old new <"$SWITCHING" || return 0
  echo "The switch to $new was interrupted: back to $old."
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
  echo "$new did not connect within $seconds s: back to $old." >&2
  result failed "$old" "$new"
  start_as "$old" 0
  rm -f "$SWITCHING"
  return 1
}

main "$@"
