# shellcheck shell=bash
# Sets how many processes a forking web server may start: as many as fit into the memory of the instance. Keeps existing values.

# The memory limit of the instance in MiB: of its cgroup (version 2 or 1), else 512.
memory_limit_mib() {
  local file bytes
  for file in /sys/fs/cgroup/memory.max /sys/fs/cgroup/memory/memory.limit_in_bytes; do
    read -r bytes 2>/dev/null <"$file" || continue
    # A number with 16 digits or more means that there is no limit.
    if [[ $bytes =~ ^[0-9]{7,15}$ ]]; then printf '%s' "$((bytes / 1048576))"; return 0; fi
  done
  printf 512
}

export MEMORY_AVAILABLE=${MEMORY_AVAILABLE:-$(memory_limit_mib)}
export WEB_MEMORY=${WEB_MEMORY:-512}
if [[ -z ${WEB_CONCURRENCY-} && $MEMORY_AVAILABLE =~ ^[1-9][0-9]*$ && $WEB_MEMORY =~ ^[1-9][0-9]*$ ]]; then
  WEB_CONCURRENCY=$((MEMORY_AVAILABLE / WEB_MEMORY))
  # Hundreds of processes would mean that there is no real memory limit.
  if ((WEB_CONCURRENCY < 1 || WEB_CONCURRENCY > 200)); then WEB_CONCURRENCY=1; fi
fi
export WEB_CONCURRENCY=${WEB_CONCURRENCY:-1}
unset -f memory_limit_mib
