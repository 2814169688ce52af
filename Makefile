# xiaoka 小卡. `make help` lists the targets.

export CGO_ENABLED ?= 0
VERSION := $(shell git describe --tags --always --dirty 2>/dev/null || echo dev)
COMMIT  := $(shell git rev-parse --short=12 HEAD 2>/dev/null || echo unknown)
LDFLAGS := -s -w -X main.version=$(VERSION) -X main.commit=$(COMMIT)
STATICCHECK := honnef.co/go/tools/cmd/staticcheck@v0.8.2
GOVULNCHECK := golang.org/x/vuln/cmd/govulncheck@v1.9.0
ARGS ?=

.PHONY: help
help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  %-12s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: build
build: ## build bin/xiaoka and bin/xiaoka-sandbox
	go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/xiaoka ./cmd/xiaoka-sandbox

.PHONY: run
run: build ## play the whole campus in a browser; ARGS='--listen 127.0.0.1:9090' for another address
	bin/xiaoka-sandbox $(ARGS)

.PHONY: test
test: build ## every test, with the race detector, on real PostgreSQL, Redis and Chromium
	CGO_ENABLED=1 scripts/with-services scripts/with-browser go test -race -shuffle=on -timeout 20m ./...
	scripts/with-services go test -count=1 -run 'TestModel|CheaperThanTheSDK' ./store ./bot

.PHONY: test-short
test-short: ## what needs neither PostgreSQL nor Redis nor a browser, under a minute
	go test -short ./...

.PHONY: e2e
e2e: build ## the member's journey in a headless Chromium
	scripts/with-services scripts/with-browser go test -count=1 -timeout 10m -v ./e2e/...

.PHONY: pictures
pictures: ## take the guide's pictures anew, of the sandbox
	scripts/with-browser go test -count=1 -v ./e2e -run TestPictures -args -pictures $(abspath guide/pictures)

.PHONY: nlu
nlu: ## how well and how fast texts are understood; SAMPLES=DIR for further *.tsv
	go test -count=1 -v -run 'TestSamples|TestUnderstand_Speed|TestVoice_Unseen|NeverActs' ./handlers/intent $(if $(SAMPLES),-args -samples $(abspath $(SAMPLES))) | grep -v '^ *---\|^=== '

.PHONY: train
train: ## make the voice of handlers/intent anew of its sample files
	go test -count=1 -run TestTrained ./handlers/intent -args -train

.PHONY: tour
tour: ## remake docs/tour.webp and docs/campus.png from the journey in the browser
	scripts/tour

.PHONY: bench
bench: ## benchmarks of callback, ledger and push
	scripts/with-services go test -run '^$$' -bench . -benchmem ./bot/... ./store/... ./pay/... ./cards/... ./identity/... ./handlers/... ./kiosk/... ./cmd/xiaoka

.PHONY: bench-tpcb
bench-tpcb: ## money acts and uploads against pgbench TPC-B on one PostgreSQL; ROUNDS=5 ACTS=5000 STORED=10000
	scripts/with-services scripts/bench-tpcb

.PHONY: planted
planted: ## plant bugs one by one, a quarter of an hour on two cores; the test named for each must find it; BUGS=plain for some
	scripts/with-services go test -count=1 -timeout 60m -v -run 'TestPlanted/$(BUGS)' ./e2e -planted.hunt

.PHONY: bench-check
bench-check: ## prove books of ten million postings and as many purchases on PostgreSQL; CHECK_POSTINGS=10000000
	CHECK_POSTINGS=$(or $(CHECK_POSTINGS),10000000) scripts/with-services go test -run '^$$' -bench CheckLedger/postgres -benchtime 1x -timeout 2h ./store

.PHONY: fuzz
fuzz: ## each fuzz target for ten seconds
	@for p in $$(go list ./...); do for f in $$(go test -list '^Fuzz' $$p | grep '^Fuzz'); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f$$" -fuzztime 10s $$p || exit 1; done; done

.PHONY: lint
lint: ## gofmt, go vet, staticcheck
	@test -z "$$(gofmt -l $$(git ls-files '*.go'))" || { echo 'gofmt these:'; gofmt -l $$(git ls-files '*.go'); exit 1; }
	go vet ./...
	go run $(STATICCHECK) ./...

.PHONY: vuln
vuln: ## known vulnerabilities; VULNDB=file:///path to an advisory database where its own host is out of reach
	go run $(GOVULNCHECK) $(if $(VULNDB),-db $(VULNDB)) ./...

.PHONY: clean
clean: ## remove what was built
	rm -rf bin
