#!/usr/bin/env bash
# Measures and prints one line for each figure:
#   bench: NAME ours=… peer=… ratio=… unit=…
# Benchmarks in Go print their own such lines through b.Log or stdout; the touch
# counts come from the end-to-end tests.
set -euo pipefail

lines=$(mktemp)
trap 'rm -f "$lines"' EXIT

# The whole of the first page load, compressed as a browser would ask for it.
# The peer is the budget of the design: 25 kB of script.
script=0
for file in ui/dist/assets/index-*.js; do
  script=$((script + $(gzip -9c "$file" | wc -c)))
done
awk -v ours="$script" -v peer=25600 'BEGIN {printf "bench: bundle_script_gzip ours=%d peer=%d ratio=%.2f unit=B\n", ours, peer, ours / peer}' | tee -a "$lines"

go test -run '^$' -bench . -benchtime 1s ./... | tee /dev/stderr | { grep -o 'bench: .*' || true; } >>"$lines"
npm --prefix e2e run --silent bench | tee /dev/stderr | { grep -o 'bench: .*' || true; } >>"$lines"

echo
echo "All figures:"
sort -u "$lines"
