# kioskd: everything is started from here. `make help` lists it.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DELETE_ON_ERROR:
MAKEFLAGS += --no-builtin-rules
.DEFAULT_GOAL := help

export CGO_ENABLED := 1
# SQLite then flushes what it has written and not when, as its own build would: without this
# each commit also waits for the file system's journal.
export CGO_CFLAGS := -g -O2 -DHAVE_FDATASYNC=1

CACHE   := .cache
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
GOBUILD := go build -trimpath -ldflags '-X main.version=$(VERSION)'
LINT    := $(CACHE)/bin/golangci-lint
VULN    := $(CACHE)/bin/govulncheck
QUEUES  := $(CACHE)/bin/queues
PCSCD   := $(CACHE)/bin/privatepcscd

UI_SRC  := $(shell find ui -path ui/node_modules -prune -o -path ui/dist -prune -o -type f -not -name '*.go' -print 2>/dev/null) $(wildcard internal/lang/*.json)
FUZZTIME ?= 60s

.PHONY: help run test bench lint build deps generate screens fuzz test-vm soak soak-card vuln clean

help: ## this list
	@awk 'BEGIN {FS = ":.*## "} /^[a-z-]+:.*## / {printf "  make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

run: build ## start kioskd and hubd with simulated hardware; ctrl-C ends both. READER=pcsc: cards below a real pcscd
	@tools/run.sh

test: deps ## everything that must be right before a change lands
	@tools/test.sh

bench: build e2e/node_modules/.stamp $(QUEUES) ## measure; prints lines "bench: NAME ours=… peer=… ratio=… unit=…"
	@tools/bench.sh

lint: $(LINT) ui/node_modules/.stamp e2e/node_modules/.stamp ## gofmt, vet, golangci-lint, eslint, tsc
	@tools/lint.sh

build: bin/kioskd bin/hubd $(PCSCD) ## bin/kioskd and bin/hubd, with the screen built in

deps: $(CACHE)/deps ## install what the build needs (as root), or say what is missing

generate: ## write ui/src/gen and docs/STATES.md anew
	go generate ./...

screens: build e2e/node_modules/.stamp ## take the pictures of docs/screens
	cd e2e && npm run --silent screens

fuzz: deps ui/dist/index.html ## fuzz every fuzz test for FUZZTIME each
	@tools/fuzz.sh $(FUZZTIME)

test-vm: ## tests with a USB printer, GPIO lines and LEDs of a kernel of their own, in QEMU
	@tools/vm/run.sh

SOAK ?= 1h
soak: deps ui/dist/index.html ## kill both daemons for SOAK (1h), walk visits with every fault, cut the power, and walk the model through many histories
	KIOSKD_STORM=$(SOAK) go test -v -run '^TestKillStorm$$' -timeout 0 ./internal/walk
	go test -v -run '^TestVisitsWithFaults$$' -timeout 0 ./internal/walk -visits 1000
	KIOSKD_POWER_CUTS=2000 KIOSKD_POWER_VISITS=600 go test -v -run Power -timeout 0 ./internal/sqlitedb/powertest ./internal/sync ./internal/walk
	KIOSKD_MODEL_CHECKS=5000 go test -v -run '^(TestModel|Test.*LineThatFailsAtAnyByte)$$' -timeout 0 ./internal/sync

soak-card: deps ## ten thousand cards come and go below a real pcscd that is killed fifty times (over an hour)
	KIOSKD_SOAK_INSERTS=10000 KIOSKD_SOAK_RESTARTS=50 go test -v -run '^TestSoak$$' -timeout 5h ./internal/hw/card/pcsc

vuln: $(VULN) ui/dist/index.html ## look for known vulnerabilities in what is called
	@tools/vuln.sh

clean: ## remove everything that was built or recorded
	rm -rf bin .run $(CACHE) ui/node_modules e2e/node_modules e2e/results
	find ui/dist -mindepth 1 -not -name .gitkeep -delete

# --- how ---

# A binary is rebuilt by go itself when needed; FORCE lets it look.
bin/kioskd bin/hubd: bin/%: ui/dist/index.html FORCE
	@$(GOBUILD) -o $@ ./cmd/$*

# What holds cards below a real pcscd, for READER=pcsc and the end-to-end tests.
$(PCSCD): $(CACHE)/deps FORCE
	@go build -trimpath -o $@ ./internal/hw/card/pcsc/pcsctest/privatepcscd

ui/dist/index.html: ui/node_modules/.stamp $(UI_SRC)
	cd ui && npm run --silent build
	@touch $@

%/node_modules/.stamp: %/package.json %/package-lock.json | $(CACHE)/deps
	cd $* && npm ci --no-audit --no-fund
	@touch $@

$(CACHE)/deps: tools/deps.sh
	@tools/deps.sh
	@mkdir -p $(CACHE) && touch $@

# The tools have a module of their own, so that their hundreds of dependencies
# stay out of the product's.
$(LINT): tools/go.mod tools/go.sum | $(CACHE)/deps
	@mkdir -p $(@D)
	go build -C tools -o ../$@ github.com/golangci/golangci-lint/v2/cmd/golangci-lint

$(VULN): tools/go.mod tools/go.sum | $(CACHE)/deps
	@mkdir -p $(@D)
	go build -C tools -o ../$@ golang.org/x/vuln/cmd/govulncheck

# Other queues on SQLite, for comparison: a module of their own as well.
$(QUEUES): tools/queues/main.go tools/queues/go.mod tools/queues/go.sum | $(CACHE)/deps
	@mkdir -p $(@D)
	go build -C tools/queues -o ../../$@ .

FORCE:
.PHONY: FORCE
