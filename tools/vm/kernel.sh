#!/usr/bin/env bash
# Lays out what the VM boots in FOLDER/kernel-VERSION-…, unless it is there
# already, and prints that folder: Debian's newest kernel, the modules that the
# tests need in the order they are loaded in, and a static busybox. Nothing of it
# is installed: packages are downloaded and unpacked.
set -euo pipefail

[ $# = 1 ] || { echo "usage: kernel.sh FOLDER" >&2; exit 2; }
mkdir -p "$1"
cache=$(realpath "$1")
here=$(realpath "$(dirname "$0")")

wanted=(
  usblp dummy_hcd usb_f_printer libcomposite # a printer at both ends of a cable
  gpio-sim-k uleds                           # lines and lights
  ledtrig-timer ledtrig-pattern ledtrig-heartbeat
)

say() { echo "vm: $*" >&2; }

# refresh REASON: apt's lists are out of date; only root can change that.
refresh() {
  if [ "$(id -u)" != 0 ]; then
    say "$1. Please run:"
    echo "  sudo apt-get update" >&2
    exit 1
  fi
  say "$1: updating the lists of packages"
  apt-get -qq update >&2
}

# The metapackage names the kernel and the version that belongs to it.
resolve() {
  local line
  line=$(apt-cache show --no-all-versions linux-image-amd64 2>/dev/null |
    sed -nE 's/^Depends: .*linux-image-([0-9][^ ,]*) \(= ([^)]+)\).*/\1 \2/p' | head -n 1)
  read -r release version <<<"$line" || true
  [ -n "${version:-}" ]
}

# fetch: the packages of that version, into the current folder.
fetch() {
  local options=() base
  [ "$(id -u)" != 0 ] || options=(-o APT::Sandbox::User=root) # apt's own user cannot write here
  base=$(cut -d. -f1,2 <<<"$release")
  apt-get -qq download "${options[@]}" busybox-static "linux-image-$release=$version" "linux-headers-$release=$version" \
    "linux-headers-${release%-*}-common=$version" "linux-kbuild-$base=$version" "linux-source-$base=$version" >&2
}

# must_have PATTERN FILE: the sources must still be what we know how to change.
must_have() {
  grep -qE "$1" "$2" || { say "$(basename "$2") of $version is not as expected: it lacks $1"; exit 1; }
}

# build: gpio-sim and uleds, out of tree.
build() {
  local headers=root/usr/src/linux-headers-$release base
  base=$(cut -d. -f1,2 <<<"$release")
  mkdir modules
  # --occurrence: do not read on to the end of a very long archive.
  tar -xJf "root/usr/src/linux-source-$base.tar.xz" -C modules --occurrence --transform 's|.*/||' \
    "linux-source-$base"/{drivers/gpio/gpio-sim.c,drivers/gpio/gpiolib.h,drivers/leds/uleds.c,kernel/irq/irq_sim.c}
  cp "$here/Kbuild" modules/
  # irq_sim is a part of the kernel proper that Debian leaves out. As a part of
  # our module it exports nothing and does without irq_to_desc, which the kernel
  # keeps to itself.
  must_have '^EXPORT_SYMBOL_GPL' modules/irq_sim.c
  must_have 'handle_simple_irq\(irq_to_desc\(irqnum\)\)' modules/irq_sim.c
  sed -e '/^EXPORT_SYMBOL_GPL/d' -e 's/handle_simple_irq(irq_to_desc(irqnum))/generic_handle_irq(irqnum)/' \
    modules/irq_sim.c >modules/irq-sim.c
  rm modules/irq_sim.c
  # The headers expect to be installed; the rest of their links is relative.
  sed -i "s|/usr/src/|$PWD/root/usr/src/|" "$headers/Makefile"
  make -s -C "$headers" M="$PWD/modules" modules >build.log 2>&1 || { cat build.log >&2; return 1; }
}

# order: what insmod must load, dependencies first, each once.
order() {
  local name
  for name in "${wanted[@]}"; do
    modprobe -d root -S "$release" --show-depends "$name"
  done | sed -nE 's|^insmod ([^ ]+).*|\1|p' | awk '!seen[$0]++'
}

resolve || { refresh "apt knows no linux-image-amd64"; resolve; } || { say "apt has no linux-image-amd64: this needs Debian 12 on amd64"; exit 1; }
ready=$cache/kernel-$version-$(cat "$here/kernel.sh" "$here/Kbuild" | sha256sum | cut -c 1-8)
if [ ! -d "$ready" ]; then
  work=$(mktemp -d "$cache/work.XXXXXX")
  trap 'rm -rf "$work"' EXIT
  cd "$work"
  say "downloading kernel $release, $version (some 220 MB)"
  # An old list names versions that the mirror no longer has.
  fetch || { refresh "cannot download $version" && rm -f -- *.deb && resolve && fetch; }
  ready=$cache/kernel-$version-${ready##*-}
  for package in *.deb; do dpkg -x "$package" root; done
  rm -- *.deb
  say "building gpio-sim and uleds"
  build
  mkdir -p "root/lib/modules/$release/updates" ready/modules
  cp modules/*.ko "root/lib/modules/$release/updates/"
  depmod -b root "$release"
  order >paths
  while read -r path; do
    cp "$path" ready/modules/
    basename "$path"
  done <paths >ready/modules/order
  cp "root/boot/vmlinuz-$release" ready/vmlinuz
  cp root/bin/busybox ready/busybox
  rm -rf "$cache"/kernel-* # of other versions
  mv -T ready "$ready"
fi
echo "$ready"
