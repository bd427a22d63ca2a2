SHELL := /bin/bash
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
LDFLAGS := -X main.version=$(VERSION)
# A whole hotline of your own: make up CONFIG=/path/to/hotline.yaml
CONFIG ?=
DEMO_SECONDS ?= 0
# The rows of make faults; empty: all.
FAULTS ?=
SOAK_MINUTES ?= 10
SOAK_SEED ?= 1
# The linter, pinned; run through the module proxy, not installed.
LINT := go run honnef.co/go/tools/cmd/staticcheck@v0.8.2

.PHONY: help deps pages build demo test unit e2e wall histories faults soak bench bench-quick bench-engine year reference lint fmt vet up down clean

help: ## list the targets
	@sed -n 's/^\([a-z0-9-]*\):.*## /\1\t/p' $(MAKEFILE_LIST)

deps: ## install Asterisk 22, Redis, the prompts and the tools (Debian 12 or 13, as root)
	@scripts/deps

pages: ## build the pages for people (TypeScript, by npm and Vite), which are part of the program
	@scripts/pages

build: pages ## build bin/hotline and the tools beside it
	@mkdir -p bin
	@go build -ldflags '$(LDFLAGS)' -o bin/ ./cmd/...

demo: deps build ## run everything with agents and callers; Ctrl-C or DEMO_SECONDS=30 ends it
	@bin/lab demo --binary bin/hotline --dir .run/demo --seconds $(DEMO_SECONDS)

up: deps build ## run everything in the background without phones; CONFIG=file for your own configuration
	@bin/lab up --binary bin/hotline --dir .run/up $(if $(CONFIG),--config '$(CONFIG)')

down: ## end what make up started
	@bin/lab down --dir .run/up

test: deps pages vet unit histories e2e ## all tests: unit tests with the race detector, faults by chance, then real Asterisk and Redis

unit: ## unit tests with the race detector
	go test -race -timeout 20m $$(go list ./... | grep -v /internal/e2e)

# How many histories make histories plays, and from which seed on.
HISTORIES ?= 300
FROM ?= 1000
histories: ## play whole hotlines with faults by chance in virtual time; HISTORIES=5000 FROM=20000 for others
	HISTORIES=$(HISTORIES) FROM=$(FROM) go test -count=1 -v -timeout 20m -run '^TestHistories$$' ./internal/faultsim | grep -v '^=== '

e2e: pages ## end-to-end tests on real Asterisk and Redis
	go test -v -count=1 -timeout 20m ./internal/e2e

wall: deps pages ## measure what an open wallboard costs the server, with 300 agents at phones and 200 calls; takes minutes
	HOTLINE_WALL=1 go test -v -count=1 -timeout 15m -run '^TestWallboardCost$$' ./internal/e2e

faults: deps build ## break Redis, Asterisk and controllers under load, and print what became of the calls; FAULTS=name,name chooses, FAULTS_QUICK=1 shortens
	@mkdir -p bin/next .run/faults
	@go build -ldflags '-X main.version=$(VERSION)-next' -o bin/next/hotline ./cmd/hotline
	@bin/faults --binary bin/hotline --next bin/next/hotline --dir .run/faults --faults '$(FAULTS)' $(if $(FAULTS_QUICK),--quick) --json .run/faults.json

soak: deps build ## break one thing after the other under load; SOAK_MINUTES=10, SOAK_SEED=1
	@mkdir -p .run/soak
	@bin/faults soak --binary bin/hotline --dir .run/soak --minutes $(SOAK_MINUTES) --seed $(SOAK_SEED)

bench: deps build ## hotline against Asterisk's own app_queue, on this machine: a quarter of an hour; see docs/bench.md
	@bin/bench --dir .run/bench

bench-quick: deps build ## the same in two minutes: that it works, not figures to rely on
	@bin/bench --quick --dir .run/bench-quick

year: ## feed the calls of a year through Redis, close every day and compare with the published table; takes minutes
	HOTLINE_YEAR=1 go test -count=1 -v -run YearAsPublished -timeout 20m ./internal/app

bench-engine: ## simulate a year of 1.13 million calls on one core; prints processor seconds and memory
	GOMAXPROCS=1 go test -run '^$$' -bench BenchmarkYear -benchtime 1x -benchmem ./internal/scenario

reference: ## write the tables of docs/configuration.md from the code
	go test -count=1 -run '^TestReferenceIsOfTheCode$$' ./internal/config -update

vet: ## go vet and formatting
	@go vet ./...
	@unformatted=$$(gofmt -l $$(git ls-files '*.go')); if [ -n "$$unformatted" ]; then echo "not formatted (run make fmt): $$unformatted" >&2; exit 1; fi

fmt: ## format all Go code
	@gofmt -w $$(git ls-files '*.go')

lint: ## run the pinned linter
	$(LINT) ./...

clean: ## end what make up started, remove what was built and run (not what deps installed)
	@if [ -x bin/lab ]; then bin/lab down --dir .run/up; fi
	rm -rf bin .run
