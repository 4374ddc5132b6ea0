#!/usr/bin/env bash
# Runs every fuzz test of the module for the given time each. A crash leaves its
# input in the package's testdata/fuzz, where it is a test case from then on.
set -euo pipefail

time=${1:?usage: tools/fuzz.sh TIME}
count=0
while read -r package; do
  while read -r name; do
    echo "fuzz: ${package#kioskd/} $name"
    go test -run '^$' -fuzz "^$name\$" -fuzztime "$time" "$package"
    count=$((count + 1))
  done < <(go test -list '^Fuzz' "$package" | grep '^Fuzz' || true)
done < <(go list ./...)
echo "fuzz: $count tests, $time each, nothing found"
