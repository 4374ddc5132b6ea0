#!/usr/bin/env bash
# Runs the tests that need a kernel of their own (TestVM…) in QEMU: a USB printer,
# GPIO lines and lights that exist nowhere but there. Called by `make test-vm`;
# other packages than those below can be named: tools/vm/run.sh FOLDER...
# Ends with a line "N passed, M failed", which counts packages.
set -euo pipefail

tests=(
  ./internal/hw/light
  ./internal/hw/button
  ./internal/hw/printer/line
  ./internal/slip # every slip through the kernel's USB printer driver
)
# Commands that tests start in the VM, there in $KIOSKD_VM_TOOLS and in the path.
tools=(
)
limit=${VM_LIMIT:-420} # seconds for the VM, all in all

packages=(
  qemu-system-x86
  cpio kmod xz-utils
  gcc-12 libelf1 make # gpio-sim; this compiler because the kernel was built with it
)

cd "$(dirname "$0")/../.."
[ $# = 0 ] || tests=("$@")

if ! command -v dpkg-query >/dev/null || [ "$(dpkg --print-architecture)" != amd64 ]; then
  echo "vm: this needs Debian 12 on amd64, whose kernel it boots" >&2
  exit 1
fi
missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
if [ ${#missing[@]} -gt 0 ]; then
  if [ "$(id -u)" != 0 ]; then
    echo "vm: missing: ${missing[*]}. Please run:" >&2
    echo "  sudo apt-get update && sudo apt-get install --no-install-recommends -y ${missing[*]}" >&2
    exit 1
  fi
  echo "vm: installing ${missing[*]}"
  export DEBIAN_FRONTEND=noninteractive
  apt-get -qq update
  apt-get -qq install -y --no-install-recommends "${missing[@]}" >/dev/null
fi

mkdir -p .cache/vm
kernel=$(tools/vm/kernel.sh .cache/vm)
work=$(mktemp -d .cache/vm/run.XXXXXX)
trap 'rm -rf "$work"' EXIT

# --- pack ---

root=$work/root
mkdir -p "$root"/{bin,dev,proc,sys,tests,tools}
cp tools/vm/init "$root/init"
cp "$kernel/busybox" "$root/bin/busybox"
cp -r "$kernel/modules" "$root/modules"
export CGO_ENABLED=0 GOOS=linux GOARCH=amd64 # nothing to link with in there
names=()
for folder in "${tests[@]}"; do
  name=${folder#./} name=${name#/}
  name=${name//\//-}
  names+=("$name")
  mkdir "$root/tests/$name"
  go test -C "$folder" -c -o "$PWD/$root/tests/$name/test" . || { echo "vm: the tests of $folder do not build" >&2; exit 1; }
  [ ! -d "$folder/testdata" ] || cp -r "$folder/testdata" "$root/tests/$name/"
done
printf '%s\n' "${names[@]}" >"$root/tests/list"
for folder in "${tools[@]}"; do
  go build -o "$root/tools/$(basename "$folder")" "$folder"
done
# Not compressed: an emulated processor is slow at that.
(cd "$root" && find . | cpio -o -H newc -R 0:0 --quiet) >"$work/initrd"

# --- boot ---

# The kernel's words go to a file, the tests' are shown as they come. After an oops
# nothing can be trusted: it ends the VM.
rc=0
timeout --foreground -k 5 "$limit" qemu-system-x86_64 -accel tcg -m 512 -smp 1 -nic none -no-reboot \
  -nodefaults -display none -monitor none -serial "file:$work/kernel.log" -serial stdio \
  -kernel "$kernel/vmlinuz" -initrd "$work/initrd" -append "console=ttyS0 quiet loglevel=5 panic=-1 oops=panic" \
  </dev/null | tee "$work/tests.log" || rc=$?

# --- judge ---

passed=0 failed=0
problem() { echo "vm: $*"; failed=$((failed + 1)); }
for name in "${names[@]}"; do
  if grep -qxF "VM PASS $name" "$work/tests.log"; then
    # In here is everything that a test may wait for, so none has a reason to skip.
    if awk -v name="$name" '/^VM RUN /{on = $3 == name} on && /--- SKIP: /{found = 1} END {exit !found}' "$work/tests.log"; then
      problem "$name: a test was skipped"
    else
      passed=$((passed + 1))
    fi
  elif grep -qxF "VM FAIL $name" "$work/tests.log"; then
    problem "$name: failed"
  else
    problem "$name: no verdict"
  fi
done
if [ "$rc" != 0 ] || ! grep -q '^VM END' "$work/tests.log"; then
  why="QEMU ended with $rc"
  [ "$rc" != 124 ] || why="not done after $limit s"
  echo "vm: the VM did not come to its end: $why"
  [ "$failed" != 0 ] || failed=1
fi
if [ "$failed" != 0 ] && [ -s "$work/kernel.log" ]; then
  echo "vm: the kernel's last words:"
  tail -n 60 "$work/kernel.log" | tr -d '\r'
fi
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
