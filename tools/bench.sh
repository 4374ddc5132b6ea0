#!/usr/bin/env bash
# Measures and prints one line for each figure:
#   bench: NAME ours=… peer=… ratio=… unit=… goal=…
# Speed and size come from internal/bench; the touches and typed characters of a
# visit from the end-to-end tests, which count them.
set -euo pipefail

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

go run ./internal/bench | tee /dev/stderr | { grep -o 'bench: .*' || true; } >>"$lines"
npm --prefix e2e run --silent bench | tee /dev/stderr | { grep -o 'bench: .*' || true; } >>"$lines"

echo
echo "All figures:"
sort -u "$lines"
[ "$(grep -c . "$lines")" -gt 0 ] || { echo "bench: there is no figure" >&2; exit 1; }
missed=$(grep ' MISSED$' "$lines" || true)
[ -z "$missed" ] || printf '\nGoals that this run missed:\n%s\n' "$missed"
