#!/bin/bash
# dyno.sh <command>: starts a process of an app as Heroku does: profile scripts first, then the command with bash.
cd "$HOME" || exit 70
if [ -d .profile.d ]; then
  for __profile in .profile.d/*.sh; do
    # shellcheck disable=SC1090
    [ -r "$__profile" ] && . "$__profile"
  done
  unset __profile
fi
# shellcheck disable=SC1091
[ -r .profile ] && . ./.profile
cd "$HOME" || exit 70
# For a script with "/bin/sh\r" in its first line, every shell prints only "not found". Here the reason is still known.
__file=${1#exec }
__file=${__file%%[[:space:]]*}
__line=
if [[ $__file == */* && -f $__file && -r $__file ]]; then IFS= read -r -n 256 __line <"$__file" 2>/dev/null; fi
if [[ $__line == '#!'*$'\r' ]]; then echo "slipway: $__file: the first line ends in CRLF (Windows line ends)" >&2; fi
unset __file __line
exec bash -c "$1"
