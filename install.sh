#!/bin/sh
# Makes this machine a node of a Slipway fleet. Needs root, systemd, and Debian 12 or Ubuntu 22.04 or newer.
# The controller serves this file. Paste the line that `slipway nodes:token` prints. Run it again to upgrade or to repair.
#
#   … | sudo sh -s -- [options]
#
#   --name NAME   name of the node (default: the name of the machine)
#   --port PORT   port on which its proxy serves the apps (default 80)
#   --https-port PORT
#                 port on which its proxy serves them over HTTPS (default 443); none: no HTTPS on this node
#   --dry-run     print what would be done, and change nothing
#   --uninstall   remove Slipway and everything it installed from this machine
#   --help
#
# The same file makes a machine the controller, from a checkout of Slipway: sudo ./install.sh controller --help
#
# The whole file is one group from this brace to the last one. A truncated copy is a syntax error and does nothing.
{

# The controller that serves this file fills these values in.
# >>> served
SERVED_URL=''
SERVED_PIN=''
SERVED_CA_SUM=''
SERVED_KEY=''
SERVED_VERSION=''
SERVED_AGENT=''
SERVED_NODE_VERSION=''
SERVED_NODE_X64=''
SERVED_NODE_ARM64=''
SERVED_NPM=''
# <<< served

ROOT=/opt/slipway
ETC=/etc/slipway
STATE=/var/lib/slipway
CACHE=/var/cache/slipway
UNITS=/etc/systemd/system
LOCK=/run/slipway-install.lock
STEPS=6
# With less free space the first app would fill the disk.
FREE_MB=2048
CLOCK_SECONDS=300
# Raise it for a very slow machine.
CONNECT_SECONDS=${SLIPWAY_CONNECT_SECONDS:-60}
PACKAGES='acl ca-certificates curl e2fsprogs git haproxy iproute2 lxc nftables perl procps s6 squashfs-tools systemd-container uidmap util-linux'
# Services that these packages start, and that Slipway does not need.
IDLE_SERVICES='haproxy.service lxc.service lxc-net.service'

say() { printf '%s\n' "$*"; }
step() { printf '%s/%s %s\n' "$1" "$STEPS" "$2"; }
warn() { printf '    ! %s\n' "$*" >&2; }

# fail MESSAGE HINT: prints both and ends the script.
fail() {
  printf '\ninstall: %s\n' "$1" >&2
  [ $# -lt 2 ] || printf '  %s\n' "$2" >&2
  exit 1
}

# --- 1. checks of this machine ------------------------------------------------------------------------------------

# One field of /etc/os-release.
os_field() { sed -n "s/^$1=[\"']\{0,1\}\([^\"']*\).*/\1/p" /etc/os-release 2>/dev/null | head -n 1; }

# version_from MAJOR: true if the system has at least this version, or has no version number (rolling release).
version_from() {
  version=$(os_field VERSION_ID)
  [ -z "$version" ] || [ "${version%%.*}" -ge "$1" ] 2>/dev/null
}

# require_root HINT
require_root() {
  [ "$(uname -s)" = Linux ] || fail "This is $(uname -s); Slipway runs on Linux." "Use a machine with Debian 12 or newer, or Ubuntu 22.04 or newer."
  [ "$(id -u)" -eq 0 ] || fail "This script needs root, because it installs packages and systemd units." "$1"
}

# require_systemd REASON
require_systemd() {
  [ -d /run/systemd/system ] || fail "This machine does not run systemd (process 1 is $(cat /proc/1/comm 2>/dev/null || echo unknown))." "$1"
}

require_system() {
  require_root "Run the same line with \"| sudo sh\" at its end."
  found=$(os_field PRETTY_NAME)
  case $(os_field ID) in
    debian) if version_from 12; then supported=yes; else supported=; fi ;;
    ubuntu) if version_from 22; then supported=yes; else supported=; fi ;;
    *) supported= ;;
  esac
  [ -n "$supported" ] ||
    fail "This is ${found:-a system without /etc/os-release}, which Slipway does not support yet." "Supported: Debian 12 or newer, Ubuntu 22.04 or newer. Not yet: Fedora, RHEL, Alma, Rocky, SUSE, Arch, Alpine, and older releases."
  require_systemd "The agent, the proxy and the apps run as systemd units. Use a machine or a virtual machine with systemd, not a container without it."
  case $(uname -m) in
    x86_64 | amd64) ARCH=x64 NODE_FILE=$SERVED_NODE_X64 ;;
    aarch64 | arm64) ARCH=arm64 NODE_FILE=$SERVED_NODE_ARM64 ;;
    *) fail "Slipway has no runtime for the processor type $(uname -m)." "Slipway runs on x86_64 and aarch64." ;;
  esac
}

# The inodes of the sockets that listen on TCP port $1, from the tables of the kernel.
listening_inodes() {
  hex=$(printf '%04X' "$1")
  cat /proc/net/tcp /proc/net/tcp6 2>/dev/null | awk -v port=":$hex" '$4 == "0A" && substr($2, length($2) - 4) == port { print $10 }'
}

# The ids of the processes that have the socket with this inode open.
holders() {
  for fd in /proc/[0-9]*/fd/*; do
    [ "$(readlink "$fd" 2>/dev/null)" = "socket:[$1]" ] || continue
    pid=${fd#/proc/}
    say "${pid%%/*}"
  done | sort -un
}

# require_port PORT OURS NEEDER HINT: fails if a process without OURS in its command line listens on the port.
require_port() {
  for inode in $(listening_inodes "$1"); do
    who=
    for pid in $(holders "$inode"); do
      command=$(tr '\0' ' ' 2>/dev/null <"/proc/$pid/cmdline") || continue
      case $command in *"$2"*) continue 2 ;; esac
      who="${who:+$who, }$(cat "/proc/$pid/comm" 2>/dev/null || echo 'a program') (process $pid)"
    done
    fail "Port $1 is in use by ${who:-a program that is not visible from here}; $3 needs it." "Stop that program (systemctl disable --now NAME), or $4"
  done
}

require_disk() {
  for folder in /opt /var/lib; do
    free=$(df -Pk "$folder" | awk 'NR == 2 { print int($4 / 1024) }')
    [ "${free:-0}" -ge "$FREE_MB" ] ||
      fail "The disk of $folder is nearly full: $free MB are free, $FREE_MB MB are needed." "Find large folders with: du -xh $folder | sort -h | tail"
  done
}

# The key of the controller is checked, not its certificate: this machine's clock may be wrong.
ask() { curl --silent --show-error --insecure --pinnedpubkey "$SERVED_KEY" --retry 3 --connect-timeout 15 "$@"; }
fetch() { ask --fail "$@"; }

require_controller() {
  [ -n "$SERVED_URL" ] ||
    fail "This copy of install.sh is not from a controller, so it does not know which fleet to join." "On your own machine run: slipway nodes:token. Then paste the printed line here."
  command -v curl >/dev/null || fail "curl is missing." "Install it with: apt-get install curl"
  headers=$(fetch --output /dev/null --dump-header - --max-time 60 "$SERVED_URL/install.sh") ||
    fail "The controller at $SERVED_URL does not answer, or has another key than the one in this file." "Check that this machine can reach it. Then get a new line with: slipway nodes:token"
  theirs=$(printf '%s' "$headers" | tr -d '\r' | sed -n 's/^[Dd]ate: //p' | head -n 1)
  theirs=$(date -u -d "$theirs" +%s 2>/dev/null) || return 0
  off=$(($(date -u +%s) - theirs))
  [ "$off" -ge "-$CLOCK_SECONDS" ] && [ "$off" -le "$CLOCK_SECONDS" ] && return 0
  if [ "$off" -lt 0 ]; then off=$((0 - off)) way=behind; else way='ahead of'; fi
  fail "The clock of this machine is $((off / 60)) min $way the controller's: it says $(date -u '+%Y-%m-%d %H:%M') UTC, the controller $(date -u -d "@$theirs" '+%Y-%m-%d %H:%M')." "With a wrong clock, certificates are not valid. Set the clock with: timedatectl set-ntp true"
}

# One text field of node.json, which a joined node has.
node_field() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$STATE/node.json" 2>/dev/null | head -n 1; }

require_membership() {
  joined=$(node_field nodeName)
  if [ -n "$joined" ]; then
    [ "$(sha256sum 2>/dev/null <"$STATE/ca.crt")" = "$SERVED_CA_SUM  -" ] ||
      fail "This machine is the node $joined of another fleet ($(node_field apiUrl))." "Remove it from that fleet first: sudo sh $ROOT/current/install.sh --uninstall"
    return 0
  fi
  [ -n "${SLIPWAY_TOKEN-}" ] || fail "There is no token, and this machine has not joined yet." "On your own machine run: slipway nodes:token. Then paste the whole line here."
  case $NAME in
    '' | ? | [!a-z]* | *[!a-z0-9-]* | *-) fail "\"$NAME\" cannot be the name of a node. A name has at least 2 lower-case letters, digits and dashes, and starts with a letter." "Add a name to the end of the line: | sudo sh -s -- --name fra-1" ;;
  esac
  check_token
}

# Runs before anything is installed. After a join whose answer was lost, the key in join.key is enough.
check_token() {
  [ ! -f "$STATE/join.key" ] || return 0
  status=$(printf '{"token":"%s","name":"%s"}' "$SLIPWAY_TOKEN" "$NAME" |
    ask --data @- --header 'Content-Type: application/json' --max-time 60 --output "$WORK/answer" --write-out '%{http_code}' "$SERVED_URL/v1/join/check") ||
    fail "The controller at $SERVED_URL stopped answering." "Run the same line again."
  [ "$status" != 204 ] || return 0
  reason=$(answer_field message)
  fail "${reason:-The controller refused the token (HTTP $status).}" "$(answer_field hint)"
}

# One text field of the last answer of the controller.
answer_field() { sed -n 's/.*"'"$1"'": *"\([^"]*\)".*/\1/p' "$WORK/answer"; }

detect() {
  step 1 "This machine"
  require_system
  require_controller
  require_membership
  require_disk
  # A joined node already has its port. The check would find its own proxy, or a program that --port avoids.
  [ -n "$joined" ] || require_port "$PORT" "$STATE/proxy/" "Slipway's proxy" "choose another port for the proxy: --port 8080"
  [ -n "$joined" ] || [ "$HTTPS_PORT" = none ] ||
    require_port "$HTTPS_PORT" "$STATE/proxy/" "Slipway's proxy" "choose another port for HTTPS: --https-port 8443 (none: no HTTPS on this node)"
  running=$(readlink "$ROOT/current" 2>/dev/null || true)
  membership='not joined yet'
  [ -z "$joined" ] || membership="node $joined"
  say "    $found, $ARCH, $(free_words) free; ${running:+Slipway $running; }$membership"
}

free_words() { df -Ph /var/lib | awk 'NR == 2 { print $4 }'; }

# --- 2. system packages ------------------------------------------------------------------------------------------

installed_packages() { dpkg-query -W -f '${db:Status-Abbrev} ${Package}\n' 2>/dev/null | sed -n 's/^ii *//p' | sort; }

missing_packages() {
  installed_packages >"$WORK/installed"
  for package in $PACKAGES; do
    grep -qx "$package" "$WORK/installed" || printf '%s ' "$package"
  done
}

# Records the packages that this script installed, also in an interrupted run, so that --uninstall removes them.
record_packages() {
  [ -f "$ETC/packages-before" ] || return 0
  installed_packages >"$WORK/after"
  comm -13 "$ETC/packages-before" "$WORK/after" >>"$ETC/packages-installed"
  sort -u -o "$ETC/packages-installed" "$ETC/packages-installed"
  rm -f "$ETC/packages-before"
}

apt() { DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 apt-get -q -y -o DPkg::Lock::Timeout=300 "$@" >>"$WORK/apt.log" 2>&1 </dev/null 9>&-; }

system_packages() {
  missing=$(missing_packages)
  if [ -z "$missing" ]; then
    step 2 "System packages: all are installed"
    return 0
  fi
  step 2 "System packages: $missing"
  command -v apt-get >/dev/null || fail "$found has no apt-get." "Install the packages with the package manager of this system, then run this again."
  planned && return 0
  mkdir -p "$ETC"
  record_packages
  cp "$WORK/installed" "$ETC/packages-before.new" && mv -f "$ETC/packages-before.new" "$ETC/packages-before"
  keep_idle
  # Names have no blanks: the words are meant to be split.
  # shellcheck disable=SC2086
  if ! { apt update && apt install --no-install-recommends $missing; }; then
    record_packages
    end_idle
    tail -n 8 "$WORK/apt.log" >&2
    fail "apt-get could not install: $missing" "Fix the error above, then run this again."
  fi
  record_packages
  end_idle
  for service in $IDLE_SERVICES; do
    if is_ours "$(service_package "$service")"; then systemctl disable --quiet "$service" 2>/dev/null || true; fi
  done
}

# Keeps services of new packages from starting. Services that the operator already runs are not changed.
keep_idle() {
  for service in $IDLE_SERVICES; do
    grep -qx "$(service_package "$service")" "$WORK/installed" || systemctl mask --runtime --quiet "$service" 2>/dev/null || true
  done
}

# shellcheck disable=SC2086
end_idle() { systemctl unmask --runtime --quiet $IDLE_SERVICES 2>/dev/null || true; }

service_package() { case $1 in haproxy.service) echo haproxy ;; *) echo lxc ;; esac; }

# True for a package that this script installed.
is_ours() { grep -qx "$1" "$ETC/packages-installed" 2>/dev/null; }

# True in a dry run, which must change nothing.
planned() { [ -n "$DRY_RUN" ]; }

# --- 3. the agent and its runtime --------------------------------------------------------------------------------

# download "FILE SHA512" TARGET: fetches a file from the controller and checks its hash.
download() {
  fetch --output "$2" "$SERVED_URL/v1/programs/${1%% *}" || fail "${1%% *} could not be downloaded from $SERVED_URL." "Run this again. If it fails again, read the log of the controller."
  printf '%s  %s\n' "${1##* }" "$2" | sha512sum --check --status || fail "${1%% *} has another hash than the controller promised." "Run this again. If it fails again, check the folder of programs on the controller."
}

# unpack ARCHIVE FOLDER STRIP [--exclude=PATTERN…] MEMBERS…
unpack() {
  archive=$1 folder=$2 strip=$3
  shift 3
  mkdir -p "$folder"
  tar -xzf "$archive" -C "$folder" --strip-components="$strip" --no-same-owner "$@"
}

runtime() {
  [ ! -x "$ROOT/$RUNTIME/bin/node" ] || return 0
  rm -rf "$ROOT/.runtime"
  download "$NODE_FILE" "$WORK/node.tgz"
  # Builds of native addons need the headers. Those of OpenSSL exist for 21 systems (64 MB); only Linux is needed.
  unpack "$WORK/node.tgz" "$ROOT/.runtime" 1 --exclude='*/openssl/archs/[!l]*' --exclude='*/openssl/archs/linux[!-]*' \
    package/bin package/include package/LICENSE package/package.json
  download "$SERVED_NPM" "$WORK/npm.tgz"
  unpack "$WORK/npm.tgz" "$ROOT/.runtime/lib/node_modules/npm" 1 --exclude=package/docs --exclude=package/man
  ln -s ../lib/node_modules/npm/bin/npm-cli.js "$ROOT/.runtime/bin/npm"
  ln -s ../lib/node_modules/npm/bin/npx-cli.js "$ROOT/.runtime/bin/npx"
  chmod -R a+rX "$ROOT/.runtime"
  chmod 0755 "$ROOT/.runtime/bin/node" "$ROOT/.runtime/lib/node_modules/npm/bin/npm-cli.js" "$ROOT/.runtime/lib/node_modules/npm/bin/npx-cli.js"
  "$ROOT/.runtime/bin/node" --version >/dev/null 2>"$WORK/node-error" ||
    fail "The runtime does not run on this machine: $(head -n 1 "$WORK/node-error")" "It needs glibc 2.28 or newer (see: ldd --version) and a kernel of the same age or newer."
  mv -T "$ROOT/.runtime" "$ROOT/$RUNTIME"
}

program() {
  if [ -d "$ROOT/$SERVED_VERSION" ] && [ -x "$ROOT/$RUNTIME/bin/node" ]; then
    step 3 "Slipway $SERVED_VERSION: already installed"
    return 0
  fi
  step 3 "Slipway $SERVED_VERSION with Node $SERVED_NODE_VERSION, from $SERVED_URL"
  planned && return 0
  mkdir -p "$ROOT"
  runtime
  rm -rf "$ROOT/.program" "${ROOT:?}/$SERVED_VERSION"
  download "$SERVED_AGENT" "$WORK/agent.tgz"
  unpack "$WORK/agent.tgz" "$ROOT/.program" 0
  ln -s "../$RUNTIME" "$ROOT/.program/node"
  sync -f "$ROOT"
  mv -T "$ROOT/.program" "$ROOT/$SERVED_VERSION"
}

# --- 4. settings and units ---------------------------------------------------------------------------------------

settings() {
  step 4 "Settings: $ETC/agent.json, slipway-agent.service, slipway.slice"
  planned && return 0
  mkdir -p "$ETC" "$STATE" "$CACHE"
  chmod 0711 "$STATE"
  if [ ! -f "$ETC/agent.json" ]; then
    (
      umask 077
      cat >"$ETC/agent.json.new" <<JSON
{
  "stateDir": "$STATE",
  "sandbox": "lxc",
  "proxy": { "port": $PORT, "tls": $(https_setting), "user": { "name": "haproxy", "group": "haproxy" } },
  "toolchainDir": "$ROOT/current/node"
}
JSON
    )
    mv -f "$ETC/agent.json.new" "$ETC/agent.json"
  fi
  for unit in slipway-agent.service slipway.slice; do
    cmp -s "$ROOT/$SERVED_VERSION/packaging/$unit" "$UNITS/$unit" || install -m 0644 "$ROOT/$SERVED_VERSION/packaging/$unit" "$UNITS/$unit"
  done
  systemctl daemon-reload
}

# --- 5. and 6. join, start ---------------------------------------------------------------------------------------

# The token is passed on standard input, because every user can read arguments in ps.
join_fleet() {
  if [ -n "$joined" ]; then
    step 5 "Fleet: already joined as $joined${SLIPWAY_TOKEN:+; the token was not used and is still valid}"
    return 0
  fi
  step 5 "Fleet: joining $SERVED_URL as $NAME"
  planned && return 0
  printf '%s\n' "$SLIPWAY_TOKEN" |
    "$ROOT/$SERVED_VERSION/node/bin/node" "$ROOT/$SERVED_VERSION/agent/main.mjs" join --config "$ETC/agent.json" \
      --url "$SERVED_URL" --pin "$SERVED_PIN" --name "$NAME" >"$WORK/join" 2>&1 || {
    sed 's/^ !  */    /' "$WORK/join" >&2
    fail "This machine could not join." "The installed files stay. Get a new line with slipway nodes:token; it continues from here."
  }
}

start_agent() {
  if [ "$running" = "$SERVED_VERSION" ] && systemctl is-active --quiet slipway-agent.service && [ -f "$STATE/connected" ]; then
    if [ -z "$missing" ]; then
      step 6 "Agent: $SERVED_VERSION is already running"
      return 0
    fi
    step 6 "Agent: $SERVED_VERSION restarts and reports the new packages"
    planned || systemctl restart slipway-agent.service
    return 0
  fi
  step 6 "Agent: ${running:+from $running to }$SERVED_VERSION"
  planned && return 0
  systemctl enable --quiet slipway-agent.service
  guard=$ROOT/switch-version.sh
  [ -f "$guard" ] || guard=$ROOT/$SERVED_VERSION/packaging/switch-version.sh
  systemd-run --quiet --wait --collect --unit=slipway-switch /bin/sh "$guard" "$SERVED_VERSION" "$CONNECT_SECONDS" || {
    journalctl --quiet --unit slipway-agent.service --output cat --lines 5 --no-pager >&2 || true
    if [ -n "$running" ]; then fail "Slipway $SERVED_VERSION did not connect within $CONNECT_SECONDS s, so $running runs again." "The lines above are the end of its log. More: journalctl -u slipway-agent"; fi
    fail "The agent did not connect to the controller within $CONNECT_SECONDS s." "The lines above are the end of its log. It keeps trying. More: journalctl -u slipway-agent"
  }
}

# --- uninstall ----------------------------------------------------------------------------------------------------

# Unmount first: removing the folder would delete the contents of what is mounted there.
unmount_state() {
  awk -v root="$STATE/" 'index($5, root) == 1 { print $5 }' /proc/self/mountinfo | sort -r | while IFS= read -r mounted; do
    umount "$(printf '%b' "$mounted")" || exit 1
  done || fail "Something below $STATE is still in use." "See: findmnt -R $STATE. Stop the programs that use it, then run this again."
}

remove_packages() {
  [ -f "$ETC/packages-before" ] && record_packages
  [ -s "$ETC/packages-installed" ] || return 0
  installed_packages >"$WORK/installed"
  comm -12 "$ETC/packages-installed" "$WORK/installed" >"$WORK/ours"
  [ -s "$WORK/ours" ] || return 0
  # A package that was installed later may need one of these. Then they stay.
  # shellcheck disable=SC2046
  extra=$(apt-get -s purge $(cat "$WORK/ours") 2>/dev/null | sed -n 's/^Purg \([^ :]*\).*/\1/p' | sort | comm -13 "$WORK/ours" -)
  if [ -n "$extra" ]; then
    warn "these packages stay installed, because other packages need them: $(tr '\n' ' ' <"$WORK/ours")"
    return 0
  fi
  # shellcheck disable=SC2046
  apt purge $(cat "$WORK/ours") || { tail -n 5 "$WORK/apt.log" >&2; fail "apt-get could not remove what was installed." "Fix the error above, then run this again."; }
  # Files that the packages of Debian leave behind after a purge.
  ! is_ours haproxy || rm -rf /var/lib/haproxy
  ! is_ours dnsmasq-base || ! id dnsmasq >/dev/null 2>&1 || userdel dnsmasq
  ! is_ours lxc || rm -f /var/lib/misc/dnsmasq.lxcbr0.leases
  ! is_ours systemd-container || rmdir /var/lib/machines /var/lib/portables 2>/dev/null || true
}

# Removes what ip and lxc created below /run for sandboxes. Namespaces and containers of others stay.
clear_run() {
  [ -n "$(ls -A /run/netns 2>/dev/null)" ] || { umount /run/netns && rmdir /run/netns; } 2>/dev/null || true
  rm -rf "/run/lxc/lock$STATE"
  rmdir -p /run/lxc/lock/var/lib 2>/dev/null || true
}

uninstall() {
  STEPS=3
  [ "$(id -u)" -eq 0 ] || fail "This needs root." "Run it with sudo."
  if [ ! -e "$ROOT" ] && [ ! -e "$ETC" ] && [ ! -e "$STATE" ]; then
    say "Slipway is not installed on this machine. There is nothing to do."
    return 0
  fi
  name=$(node_field nodeName)
  step 1 "Stop the agent, every app and the proxy"
  step 2 "Remove $ROOT, $ETC, $STATE, $CACHE and the units"
  step 3 "Remove packages: $(tr '\n' ' ' 2>/dev/null <"$ETC/packages-installed" || true)"
  planned && return 0
  take_turn
  systemctl disable --now --quiet slipway-switch.service slipway-agent.service 2>/dev/null || true
  if [ -n "$name" ] && [ -x "$ROOT/current/node/bin/node" ]; then
    "$ROOT/current/node/bin/node" "$ROOT/current/agent/main.mjs" remove --config "$ETC/agent.json" >"$WORK/remove" 2>&1 || { tail -n 5 "$WORK/remove" >&2; warn "not everything could be stopped"; }
  fi
  systemctl stop slipway.slice 2>/dev/null || true
  unmount_state
  clear_run
  rm -f "$UNITS/slipway-agent.service" "$UNITS/slipway.slice"
  systemctl daemon-reload
  systemctl reset-failed 'slipway-*' 2>/dev/null || true
  remove_packages
  rm -rf "$ROOT" "$STATE" "$CACHE" "$LOCK"
  # A controller may be installed on this machine too.
  rm -f "$ETC/agent.json" "$ETC"/packages-*
  rmdir "$ETC" 2>/dev/null || [ -e "$ETC/controller.json" ] || rm -rf "$ETC"
  say "Slipway was removed from this machine.${name:+ On your own machine, remove the node: slipway nodes:remove $name}"
}

# --- main ---------------------------------------------------------------------------------------------------------

usage() {
  say "Usage: … | sudo sh -s -- [--name NAME] [--port PORT] [--https-port PORT|none] [--dry-run] [--uninstall]"
  say "Get the whole line with: slipway nodes:token"
}

parse_arguments() {
  ACTION=install DRY_RUN='' PORT=80 HTTPS_PORT=443
  NAME=$(uname -n | tr '[:upper:]' '[:lower:]' | sed 's/\..*//; s/[^a-z0-9-]/-/g')
  while [ $# -gt 0 ]; do
    case $1 in
      --name | --port | --https-port)
        [ $# -gt 1 ] || fail "$1 needs a value."
        case $1 in --name) NAME=$2 ;; --port) PORT=$2 ;; *) HTTPS_PORT=$2 ;; esac
        shift
        ;;
      --dry-run) DRY_RUN=yes ;;
      --uninstall) ACTION=uninstall ;;
      --help | -h) ACTION=help ;;
      *) fail "There is no option $1." "$(usage)" ;;
    esac
    shift
  done
  check_port "$PORT" --port 8080
  [ "$HTTPS_PORT" = none ] || check_port "$HTTPS_PORT" --https-port 8443
  [ "$PORT" != "$HTTPS_PORT" ] || fail "HTTP and HTTPS cannot have the same port $PORT." "Add another port to the end of the line: | sudo sh -s -- --https-port 8443"
}

# check_port PORT OPTION EXAMPLE: fails if it is no port.
check_port() {
  case $1 in '' | 0* | *[!0-9]* | ??????*) number= ;; *) number=$1 ;; esac
  [ -n "$number" ] && [ "$number" -le 65535 ] || fail "\"$1\" cannot be a port. A port is a number from 1 to 65535." "Add a port to the end of the line: | sudo sh -s -- $2 $3"
}

# The setting proxy.tls of agent.json.
https_setting() { if [ "$HTTPS_PORT" = none ]; then echo false; else echo "{ \"port\": $HTTPS_PORT }"; fi; }

# --- a controller -------------------------------------------------------------------------------------------------

# The installation of a controller is in another file of the checkout.
controller() {
  HERE=$(CDPATH='' cd -- "$(dirname -- "$0")" && pwd -P)
  rest=$HERE/packaging/controller/install-controller.sh
  { [ -z "$SERVED_URL" ] && [ -f "$rest" ]; } ||
    fail "A controller is installed from a checkout of Slipway, and this copy of install.sh is not in one." "Clone Slipway on that machine, run script/bootstrap there, then: sudo ./install.sh controller"
  # shellcheck source=packaging/controller/install-controller.sh
  . "$rest"
  controller_main "$@"
}

work_folder() {
  WORK=$(mktemp -d)
  trap 'rm -rf "$WORK"' EXIT
  trap 'exit 130' INT TERM HUP
}

# Only one run at a time. The lock ends with the process.
take_turn() {
  command -v flock >/dev/null || return 0
  exec 9>"$LOCK"
  flock -n 9 || fail "Another install.sh runs on this machine." "Wait until it ends, then run this again."
}

main() {
  set -eu
  umask 022
  export LC_ALL=C.UTF-8 PATH="${PATH:-/usr/bin:/bin}:/usr/local/sbin:/usr/sbin:/sbin"
  if [ "${1-}" = controller ]; then
    shift
    controller "$@"
    return 0
  fi
  parse_arguments "$@"
  if [ "$ACTION" = help ]; then
    usage
    return 0
  fi
  work_folder
  if [ "$ACTION" = uninstall ]; then
    uninstall
    return 0
  fi
  detect
  planned || take_turn
  RUNTIME=node-$SERVED_NODE_VERSION
  system_packages
  program
  settings
  join_fleet
  start_agent
  if planned; then say "Dry run: nothing was changed."; else say "Done: this machine is a node of the fleet. On your own machine: slipway nodes"; fi
}

if [ "${1-}" = controller ]; then main "$@"; else main "$@" </dev/null; fi
}
