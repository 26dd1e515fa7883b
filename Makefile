# The commands of this repository. `make` alone lists them.
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
export GOTOOLCHAIN := local

CLIENT := e2e/client
BUNDLE := $(CLIENT)/node_modules/socket.io-client/dist
ARGS ?=
FUZZTIME ?= 20s
BENCH ?= .
COUNT ?= 6
SOAK ?= 15000
MILLION ?= 1000000

# Packages are tested at most as many at a time as there are cores, each with -race.
GOTESTSUM := .bin/gotestsum --format pkgname --hide-summary skipped
GOTESTFLAGS := -shuffle=on -timeout 10m

.PHONY: help run client build test race debug budgets lint api e2e e2e-reference conformance fuzz bench bench-variants million bench-quick bench-go slow soak hooks tools clean

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z0-9-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: client ## serve the chat page at the address it prints (ARGS="--addr :8080" for another)
	go run ./cmd/gannet serve --client-dir $(BUNDLE) $(ARGS)

client: $(BUNDLE)/socket.io.min.js ## fetch the official browser client by npm into an ignored folder

$(BUNDLE)/socket.io.min.js: $(CLIENT)/package-lock.json
	npm ci --prefix $(CLIENT) --no-audit --no-fund --loglevel error
	@touch $@

build: ## build the commands into .bin
	go build -o .bin/ ./cmd/...

test: race debug budgets ## all Go tests: race detector, debug build, allocation budgets

race: tools-gotestsum
	$(GOTESTSUM) -- -race $(GOTESTFLAGS) ./...

debug: tools-gotestsum
	$(GOTESTSUM) -- -race -tags gannetdebug $(GOTESTFLAGS) ./...

budgets: tools-gotestsum ## the tests that count allocations, which the race detector would distort
	GOTESTSUM="$(GOTESTSUM)" .ci/budgets.sh

lint: tools-gofumpt tools-golangci-lint ## formatting, vet on three systems, linters, import rules, tidy
	.ci/lint.sh

api: ## write api/sio.txt from the exported API of sio
	go test ./internal/archtest -run TestAPI -count=1 -update

e2e: ## real clients in other languages and a browser against this server
	npm ci --prefix e2e --no-audit --no-fund --loglevel error
	node e2e/run.mjs $(ARGS)

e2e-reference: ## the same suites against the official server, which shows that they are right
	npm ci --prefix e2e --no-audit --no-fund --loglevel error
	node e2e/run.mjs --server reference $(ARGS)

conformance: ## WebSocket conformance in full: every size, every message (minutes)
	GANNET_WSCONFORM_ALL=1 go test -count=1 -timeout 60m -v -run '^TestConformance$$' ./internal/wsconform | grep -v -e '^=== ' -e '--- PASS: TestConformance/'

fuzz: ## every fuzz target for FUZZTIME (20s)
	.ci/fuzz.sh $(FUZZTIME)

bench: million ## measure all servers side by side and rewrite BENCHMARKS.md (hours; ARGS="-scenario echo" for a part)
	go run ./bench/compare -json bench/results/all.json -update BENCHMARKS.md -plots bench/results $(ARGS)

bench-variants: ## compression, TLS, msgpack and recovery beside the same servers without them (a quarter of an hour)
	go run ./bench/compare -scenario variants -json bench/results/variants.json -update BENCHMARKS.md -tables variants -plots bench/results $(ARGS)

million: ## what a million sockets without descriptors cost (MILLION=1000000), as a table
	@mkdir -p bench/results
	GANNET_MILLION=$(MILLION) GANNET_MILLION_TABLE=$(CURDIR)/bench/results/million.md go test -count=1 -timeout 30m -run '^TestMillion$$' -v ./sio

bench-quick: ## does the harness work? one short run of a few servers with few connections
	go run ./bench/compare -quick $(ARGS)

bench-go: tools-benchstat ## Go benchmarks (BENCH=regexp COUNT=6), summarised by benchstat
	go test -run '^$$' -bench '$(BENCH)' -benchmem -count $(COUNT) ./... | tee bench.out
	.bin/benchstat bench.out

slow: ## what readers notice of others that have stopped reading (CONNECTIONS=5000 HZ=10 PAYLOAD=4096)
	.ci/slow.sh

soak: ## the long tests: SOAK (15000) clients idle, then churning
	GANNET_SOAK=$(SOAK) go test -count=1 -timeout 60m -run 'Soak' -v ./...

hooks: ## check formatting and vet before each commit of this clone
	git config core.hooksPath .ci/hooks

tools: ## install the pinned tools into .bin
	.ci/tools.sh

tools-%:
	@.ci/tools.sh $*

clean: ## remove what was built and fetched
	rm -rf .bin bench.out e2e/node_modules $(CLIENT)/node_modules e2e/.venv e2e/java/target e2e/artifacts
