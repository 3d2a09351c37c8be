# Orchestrix. "make" alone lists what can be done. Nothing here needs more than Go and make; only "race" also needs a
# C compiler, because Go's race detector does.

GOFUMPT    := mvdan.cc/gofumpt@v0.12.0
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
NILNESS    := golang.org/x/tools/go/analysis/passes/nilness/cmd/nilness@v0.52.0
DEADCODE   := golang.org/x/tools/cmd/deadcode@v0.52.0
GODOCLINT  := github.com/godoc-lint/godoc-lint/cmd/godoclint@v0.11.4

# May be set on the command line, as in: make stress COMMANDS=1000000
COMMANDS   ?= 100000
AGGREGATES ?= 1000
SEED       ?= 1
FUZZTIME   ?= 5s
TIME       ?= 30m
SEEDS      ?= 4000

# Everything is pure Go, so that the result is the same with and without a C compiler.
export CGO_ENABLED := 0

orchestrix := bin/orchestrix

.DEFAULT_GOAL := help

.PHONY: help
help: ## List the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## Build bin/orchestrix
	@echo "building…"
	@go build -o $(orchestrix) ./cmd/orchestrix

.PHONY: run
run: build ## Build, put tens of thousands of commands into data/orders.db, check the result, measure a little
	@$(orchestrix) run
	@mkdir -p report && rm -f report/index.html
	@$(orchestrix) bench --quick --runs 2 --peers= --out report >report/quick.txt
	@echo "as tables: report/quick.txt, figures to quote: make bench"

.PHONY: test
test: ## Run all tests
	go test ./...

.PHONY: race
race: ## Run all tests with the race detector, in random sequence (needs a C compiler)
	@cc=$$(go env CC); if command -v "$${cc%% *}" >/dev/null; then \
		echo "go test -race -shuffle=on ./..."; \
		CGO_ENABLED=1 go test -race -shuffle=on ./...; \
	else \
		echo "race: SKIPPED, there is no C compiler ($$cc); install one to look for races"; \
	fi

.PHONY: stress
stress: build ## Check every promise under load, in memory and in a database file
	@set -e; folder=$$(mktemp -d); trap 'rm -rf "$$folder"' EXIT; \
	for store in memory: "$$folder/stress.db"; do \
		echo "stress: $(COMMANDS) commands, $(AGGREGATES) aggregates, seed $(SEED), store $$store"; \
		$(orchestrix) stress --commands $(COMMANDS) --aggregates $(AGGREGATES) --seed $(SEED) --store "$$store"; \
	done

.PHONY: bench
bench: build ## Measure everything, with tables here and pictures in report/index.html
	$(orchestrix) bench --out report

.PHONY: bench-readme
bench-readme: build ## Measure everything and put the figures into the README
	$(orchestrix) bench --out report --readme README.md

.PHONY: bench-go
bench-go: ## Run the Go benchmarks of each part
	go test -run '^$$' -bench . -benchmem ./...

.PHONY: profile
profile: ## Profile the pipeline in memory and on disk: processor, allocations, locks
	@mkdir -p report/profile
	@$(call profile,memory,./pipeline,BenchmarkPipeline/decider)
	@$(call profile,durable,./bench,BenchmarkDurable/pipeline._Do._(64|1024)_in_flight)
	@echo "where the time goes:        go tool pprof -top report/profile/memory.cpu (or durable.cpu)"
	@echo "what is allocated:          go tool pprof -top -sample_index=alloc_space report/profile/memory.alloc"
	@echo "who waits for which lock:   go tool pprof -top report/profile/memory.mutex"
	@echo "the same in a browser:      go tool pprof -http=: report/profile/memory.cpu"

# profile runs one benchmark of one package and leaves its profiles under a name.
profile = go test $(2) -run '^$$' -bench '$(3)' -benchmem -o report/profile/$(1).test -outputdir report/profile \
	-cpuprofile $(1).cpu -memprofile $(1).alloc -mutexprofile $(1).mutex

.PHONY: fuzz
fuzz: ## Run every fuzz target for FUZZTIME each
	@set -e; list=$$(go test -list '^Fuzz' ./...); \
	targets=$$(echo "$$list" | awk '/^Fuzz/ { t[n++] = $$1 } /^ok/ { for (i = 0; i < n; i++) print $$2 "=" t[i]; n = 0 }'); \
	test -n "$$targets" || echo "fuzz: there are no fuzz targets"; \
	for target in $$targets; do \
		echo "fuzz: $${target#*=} for $(FUZZTIME)"; \
		go test -run '^$$' -fuzz "^$${target#*=}$$" -fuzztime $(FUZZTIME) "$${target%%=*}"; \
	done

.PHONY: torture
torture: ## Prove the stores under power cuts, kills and random histories for TIME, 30m without it
	@.ci/torture $(TIME)

.PHONY: simulate
simulate: ## Simulate SEEDS worlds from SEED on, in virtual time, with everything going wrong
	ORCHESTRIX_SEED=$(SEED) ORCHESTRIX_SEEDS=$(SEEDS) go test -count=1 -timeout 0 -v -run TestSimulation ./bench/simulate

.PHONY: storm
storm: ## Storm the pipeline with panics, starts and stops, and callers that go away
	ORCHESTRIX_PANICS=10000 ORCHESTRIX_STARTS=10000 ORCHESTRIX_CANCELS=100000 \
		go test -count=1 -timeout 20m -v -run 'Storm|Poison' ./bench/simulate

.PHONY: lint
lint: ## Look for faults that the compiler does not see
	go vet ./...
	@$(call silent,go run $(GOFUMPT) -l .,format these files with: make fmt)
	go run $(STATICCHECK) -checks all ./...
	go run $(NILNESS) ./...
	@$(call silent,go run $(DEADCODE) -test ./...,neither a program nor a test reaches these functions: test them or remove them)
	go run $(GODOCLINT) -enable require-doc ./...

# silent runs a tool that says nothing when all is well, and fails when it says something.
silent = echo "$(1)"; out=$$($(1)) || exit 1; test -z "$$out" || { echo "$$out"; echo "lint: $(2)"; exit 1; }

.PHONY: fmt
fmt: ## Format all Go files
	go run $(GOFUMPT) -w .

.PHONY: cover
cover: ## Show how much of the code the tests reach
	go test -coverpkg=./... -coverprofile=coverage.out ./...
	@go tool cover -func=coverage.out | tail -n 1

.PHONY: check
check: lint test ## What a change has to pass: lint and test

.PHONY: clean
clean: ## Remove everything that was built or generated, the demo's data too
	rm -rf bin data report coverage.out
