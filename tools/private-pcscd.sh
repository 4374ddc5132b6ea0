#!/usr/bin/env bash
# Runs a pcscd that no other program sees: private-pcscd.sh FOLDER PORT. Its socket is
# FOLDER/socket/pcscd.comm (for libpcsclite: PCSCLITE_CSOCK_NAME), its virtual
# reader takes a card at PORT. It stays in the foreground until it is ended.
set -euo pipefail

[ $# = 2 ] || { echo "usage: private-pcscd.sh FOLDER PORT" >&2; exit 2; }
mkdir -p "$1/readers" "$1/socket"
folder=$(realpath "$1")
rm -f "$folder/socket/"*
cat >"$folder/readers/vpcd" <<CONF
FRIENDLYNAME "Virtual PCD"
DEVICENAME /dev/null:$2
LIBPATH /usr/lib/pcsc/drivers/serial/libifdvpcd.so
CHANNELID $2
CONF
user=()
[ "$(id -u)" = 0 ] || user=(--user --map-root-user)
# pcscd knows one place for its socket. In a mount namespace of its own that place
# is our folder.
exec unshare "${user[@]}" --mount bash -c '
  mount -t tmpfs tmpfs /run
  mkdir /run/pcscd
  mount --bind "$1/socket" /run/pcscd
  exec setpriv --pdeathsig KILL /usr/sbin/pcscd --foreground --config "$1/readers"' pcscd "$folder"
