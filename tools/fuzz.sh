#!/usr/bin/env bash
# Runs every fuzz test of the module for the given time each. A crash leaves its
# input in the package's testdata/fuzz, where it is a test case from then on.
set -euo pipefail

time=${1:?usage: tools/fuzz.sh TIME}
count=0
said=$(mktemp)
trap 'rm -f "$said"' EXIT

fuzz() { # fuzz PACKAGE NAME
  # Without a bound most of a short run goes into making interesting inputs shorter.
  if go test -run '^$' -fuzz "^$2\$" -fuzzminimizetime 20x -fuzztime "$time" "$1" 2>&1 | tee "$said"; then return; fi
  # Now and then Go calls its own end of the time a failure (golang/go#75804): alone below the
  # verdict, with nothing of an input or of a test.
  [ "$(grep -A1 '^--- FAIL' "$said" | sed 1d)" = "    context deadline exceeded" ] && ! grep -q 'Failing input' "$said"
}

# Lists go into variables, where a package that does not build ends the script: as the
# input of a loop it would count as one without fuzz tests.
packages=$(go list ./...)
for package in $packages; do
  names=$(go test -list '^Fuzz' "$package")
  for name in $(sed -n '/^Fuzz/p' <<<"$names"); do
    echo "fuzz: ${package#kioskd/} $name"
    fuzz "$package" "$name"
    count=$((count + 1))
  done
done
# A test behind a build tag, or in a module of its own, would not be listed either.
written=$(grep -rh --include='*_test.go' --exclude-dir=node_modules --exclude-dir=.cache '^func Fuzz' . | wc -l)
if [ "$count" -lt "$written" ]; then
  echo "fuzz: ran $count of $written tests" >&2
  exit 1
fi
echo "fuzz: $count tests, $time each, nothing found"
