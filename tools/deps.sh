#!/usr/bin/env bash
# Checks what the build needs: Go, Node and Debian packages. As root it installs
# missing packages; else it prints the one line that does.
set -euo pipefail

packages=(
  gcc libc6-dev pkg-config # cgo: SQLite and PC/SC
  libpcsclite-dev
  pcscd vsmartcard-vpcd # tests run below a pcscd of their own, with virtual cards
  opensc openssl        # strangers who judge the virtual card
  postgresql-15 # tests start a server of their own; one that Debian starts is left alone
  chromium # whose profile is searched for what a visit leaves
  chromium-headless-shell # end-to-end tests: Chromium without windows and toolbars
  fonts-noto-cjk
  zbar-tools # reads the QR codes of slips in tests
  git make
)

# at_least HAVE WANT: is version HAVE at least WANT?
at_least() { [ "$(printf '%s\n' "$2" "$1" | sort -V | head -n 1)" = "$2" ]; }

fail=0
if ! command -v go >/dev/null; then
  echo "deps: Go is not installed: kioskd needs Go 1.26 or later (go.dev/dl)" >&2
  fail=1
else
  have=$(go env GOVERSION)
  if ! at_least "${have#go}" 1.26; then
    echo "deps: this is $have: kioskd needs Go 1.26 or later (go.dev/dl)" >&2
    fail=1
  fi
fi
if ! command -v node >/dev/null || ! command -v npm >/dev/null; then
  echo "deps: Node.js with npm is not installed: kioskd needs Node 20 or later (nodejs.org)" >&2
  fail=1
else
  have=$(node --version)
  if ! at_least "${have#v}" 20.19; then
    echo "deps: this is Node $have: kioskd needs Node 20.19 or later (nodejs.org)" >&2
    fail=1
  fi
fi
[ "$fail" = 0 ] || exit 1

if ! command -v dpkg-query >/dev/null; then
  echo "deps: this is not Debian: please install what corresponds to: ${packages[*]}" >&2
  for tool in gcc pkg-config chromium chromium-headless-shell git pcscd opensc-tool openssl initdb; do
    command -v "$tool" >/dev/null || { echo "deps: $tool is not installed" >&2; exit 1; }
  done
  exit 0
fi

missing=()
for package in "${packages[@]}"; do
  [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

if [ "$(id -u)" != 0 ]; then
  echo "deps: missing: ${missing[*]}. Please run:" >&2
  echo "  sudo apt-get update && sudo apt-get install --no-install-recommends -y ${missing[*]}" >&2
  exit 1
fi
echo "deps: installing ${missing[*]}"
export DEBIAN_FRONTEND=noninteractive
apt-get update -q
apt-get install -q -y --no-install-recommends "${missing[@]}"
