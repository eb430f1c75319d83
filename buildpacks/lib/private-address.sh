# shellcheck shell=bash
# Sets PRIVATE_ADDRESS: a regular expression for the start of an IPv4 address in a private network, which builds do not reach by default.
# shellcheck disable=SC2034 # read by the script that sources this file
PRIVATE_ADDRESS='(10\.|192\.168\.|172\.(1[6-9]|2[0-9]|3[01])\.|100\.(6[4-9]|[7-9][0-9]|1[01][0-9]|12[0-7])\.)'
