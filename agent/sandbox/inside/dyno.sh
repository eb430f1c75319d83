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
exec bash -c "$1"
