#!/usr/bin/env bash
# Runs every check, cheap ones first, and stops at the first that fails.
# Called by `make test`.
set -euo pipefail

# What was compiled in one folder is then good in every other, as in a fresh clone.
export GOFLAGS="${GOFLAGS:-} -trimpath"

# What the tests write lies in memory where there is room: they wait for no disk and wear none.
# What a disk makes of a write is the power cuts' business, which have a disk of their own.
# One folder for all runs, as go's test cache knows it by name; each test removes its own.
room=$(df --output=avail -k /dev/shm 2>/dev/null | tail -1 || true)
if [ -z "${TMPDIR:-}" ] && [ "${room:-0}" -gt $((4 << 20)) ]; then
  export TMPDIR=/dev/shm/kioskd-test-$(id -u)
  mkdir -p -m 755 "$TMPDIR" # PostgreSQL's own user has to pass
fi

before=$(git status --porcelain)
started=$SECONDS
notes=()

step() { # step NAME COMMAND...
  local name=$1 at=$SECONDS
  shift
  echo "== $name"
  if ! "$@"; then
    echo "== FAILED: $name (after $((SECONDS - at)) s); everything before it passed" >&2
    exit 1
  fi
  echo "   $((SECONDS - at)) s"
}

# aside runs the steps of a function beside those that follow, where one of them alone
# does not fill the machine; rejoin waits for it and shows what it said. A step that
# fails ends both: exit takes down what still runs aside.
aside() { # aside FUNCTION
  mkdir -p .cache
  lane=.cache/test.aside
  set -m # a process group of its own, to be taken down whole
  "$1" >"$lane" 2>&1 &
  set +m
  aside=$!
}

rejoin() {
  local rc=0
  wait "$aside" || rc=$?
  aside=
  cat "$lane"
  [ "$rc" = 0 ] || exit 1
}

aside=
trap 'status=$?; if [ -n "$aside" ]; then kill -- "-$aside" 2>/dev/null || true; fi; exit "$status"' EXIT

gofmt_clean() {
  local bad
  bad=$(git ls-files -z -co --exclude-standard -- '*.go' | xargs -0 gofmt -l)
  [ -z "$bad" ] || { echo "not formatted; run gofmt -w on:" "$bad" >&2; return 1; }
}

vulnerabilities() {
  local rc=0
  make -s vuln || rc=$?
  if [ "$rc" != 0 ] && [ -f .cache/vuln.unreachable ]; then
    notes+=("known vulnerabilities were NOT looked for: the database cannot be reached from here")
    return 0
  fi
  return "$rc"
}

same_tree() {
  local after
  after=$(git status --porcelain)
  [ "$before" = "$after" ] || { diff <(echo "$before") <(echo "$after") >&2; echo "the checks changed the work tree" >&2; return 1; }
}

screen() {
  step "screen: eslint" npm --prefix ui run --silent lint
  step "screen: types" npm --prefix ui run --silent typecheck
  step "screen: unit tests" npm --prefix ui run --silent test
  step "end to end: types" npm --prefix e2e run --silent typecheck
}

step "generated files are fresh" go test ./internal/flow/flowgen
step "gofmt" gofmt_clean
step "go.mod is tidy" go mod tidy -diff
step "tools" make -s .cache/bin/golangci-lint .cache/bin/govulncheck
step "screen: install" make -s ui/node_modules/.stamp
# Before the Go tests: receiptio, a stranger, judges the virtual printer there.
step "end to end: install" make -s e2e/node_modules/.stamp
aside screen
step "build" make -s build
step "go vet" go vet ./...
step "golangci-lint" .cache/bin/golangci-lint run ./...
step "known vulnerabilities" vulnerabilities
rejoin
[ "$(id -u)" = 0 ] || notes+=("that nothing of a visit stays was NOT looked for (TestNothingOfAVisitStays): that needs root")
# Under the race detector these take long strides (internal/underrace), or are left out.
sweeps() {
  step "fine sweeps, without the race detector" go test -vet=off -p 2 -parallel 6 -run \
    '^(TestGolden|TestQRCode|TestSecondOpinion|TestNothingIsCutOff|TestTrial|TestEverySlipUnderEveryFault|TestEveryFaultOnEveryLine|TestFaultSweep|TestAWholeSlipIsNeverCalledFailed|TestANightWithoutPaper|TestTearAtEveryCommand|TestDamageOfEveryKind|TestDamageAnywhere|TestModel)$' \
    ./internal/slip ./internal/hw/printer ./internal/kiosk ./internal/sync
}
aside sweeps
# Many of them wait for a disk or a device: more packages at once than cores. What only
# reads the source has nothing to race with. All has been vetted above.
# The longest first: the last of them would end alone.
step "Go tests" go test -vet=off -race -shuffle=on -p 4 ./internal/sync ./internal/walk ./internal/hub \
  ./internal/hw/card/pcsc ./cmd/kioskd ./internal/hub/postgres $(go list ./... | grep -v /internal/housekeeping$)
rejoin
step "the source keeps its rules" go test ./internal/housekeeping
# The daemons are built by the test, so that Go does not see when they have changed.
step "a storm of kills" go test -count=1 -vet=off -v -run '^TestKillStorm$' ./internal/walk
step "end to end" npm --prefix e2e test --silent
step "the work tree is unchanged" same_tree

for note in "${notes[@]}"; do echo "note: $note"; done
echo "kioskd: all checks passed in $((SECONDS - started)) s"
