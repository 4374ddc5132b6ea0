#!/usr/bin/env bash
# The linters alone. Called by `make lint`.
set -euo pipefail

unformatted=$(git ls-files -z -co --exclude-standard -- '*.go' | xargs -0 gofmt -l)
[ -z "$unformatted" ] || { echo "not formatted:" "$unformatted" >&2; exit 1; }
go vet ./...
.cache/bin/golangci-lint run ./...
npm --prefix ui run --silent lint
npm --prefix ui run --silent typecheck
npm --prefix e2e run --silent typecheck
