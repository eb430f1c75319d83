#!/bin/bash
# dyno.sh <command>: a process of an app, as Heroku starts it: profile scripts, then the command by bash.
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
# For a script whose first line names "/bin/sh\r" every shell prints only "not found". Here the cause can still be seen.
__file=${1#exec }
__file=${__file%%[[:space:]]*}
__line=
if [[ $__file == */* && -f $__file && -r $__file ]]; then IFS= read -r -n 256 __line <"$__file" 2>/dev/null; fi
if [[ $__line == '#!'*$'\r' ]]; then echo "slipway: $__file: the first line ends in CRLF (Windows line ends)" >&2; fi
unset __file __line
exec bash -c "$1"
