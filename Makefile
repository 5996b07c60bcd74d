# make demo needs nothing but Go. make test installs what its tests need.
SHELL := /bin/bash
GO ?= go
BIN := bin
GOBIN_DIR := $(shell $(GO) env GOPATH)/bin
GOLANGCI_VERSION := v2.15.0
GOLANGCI := $(GOBIN_DIR)/golangci-lint-$(GOLANGCI_VERSION)
NFPM_VERSION := v2.45.2
VERSION ?= 0.1.0
FUZZTIME ?= 3s
export CGO_ENABLED ?= 1

.PHONY: conformance demo build bridge deb test unit readers token fuzz interop browser lint fmt bench tools packages clean

demo: ## provider, DMP, phones and an invented register on loopback
	CGO_ENABLED=0 $(GO) run ./cmd/egide demo

build:
	CGO_ENABLED=0 $(GO) build -trimpath -o $(BIN)/ ./cmd/egide ./cmd/ecps ./cmd/dmp

bridge: ## the card bridge with card readers: needs gcc, pkg-config and libpcsclite-dev
	CGO_ENABLED=1 $(GO) build -trimpath -ldflags '-s -w -X main.release=$(VERSION)' -tags pcsc -o $(BIN)/card-bridge ./cmd/card-bridge

deb: bridge ## a Debian package of the bridge
	GOARCH=$$($(GO) env GOARCH) VERSION=$(VERSION) $(GO) run github.com/goreleaser/nfpm/v2/cmd/nfpm@$(NFPM_VERSION) \
	  package --config deploy/card-bridge/nfpm.yaml --packager deb --target $(BIN)/

packages: ## system packages of the tests
	@.ci/packages

test: packages build unit readers token fuzz interop browser

unit:
	$(GO) test -race -timeout 15m ./...

readers: ## real readers: a pcscd with virtual cards
	$(GO) test -race -tags pcsc -timeout 5m ./internal/cardbridge/pcsc ./cmd/card-bridge

token: ## signing keys in a PKCS#11 token: SoftHSM2
	CGO_ENABLED=1 $(GO) test -race -tags pkcs11 -timeout 5m ./internal/trust/signing/pkcs11

fuzz: ## a short run of every fuzz target
	@.ci/fuzz $(FUZZTIME)

interop: build ## other people's clients against the demo
	@EGIDE_BIN=$(CURDIR)/$(BIN)/egide conformance/interop/run.sh

browser: build bridge ## a real Chromium through the demo
	@EGIDE_BIN=$(CURDIR)/$(BIN)/egide CARD_BRIDGE_BIN=$(CURDIR)/$(BIN)/card-bridge conformance/browser/run.sh

lint: tools
	$(GOLANGCI) run --allow-parallel-runners ./...
	$(GOLANGCI) run --allow-parallel-runners --build-tags pcsc ./internal/cardbridge/pcsc/...
	$(GOLANGCI) run --allow-parallel-runners --build-tags pkcs11 ./internal/trust/signing/pkcs11/...
	cd conformance/browser && $(GOLANGCI) run --allow-parallel-runners -c $(CURDIR)/.golangci.yml ./...
	cd conformance/interop/gooidc && $(GOLANGCI) run --allow-parallel-runners -c $(CURDIR)/.golangci.yml ./...

tools: $(GOLANGCI)

$(GOLANGCI):
	@echo "installing golangci-lint $(GOLANGCI_VERSION) (a few minutes the first time)"
	@if [ ! -x $(GOBIN_DIR)/golangci-lint ] || ! $(GOBIN_DIR)/golangci-lint version 2>/dev/null | grep -q "$(GOLANGCI_VERSION:v%=%)"; then \
	  $(GO) install github.com/golangci/golangci-lint/v2/cmd/golangci-lint@$(GOLANGCI_VERSION); fi
	@cp $(GOBIN_DIR)/golangci-lint $@

conformance: ## docs/conformance.md: which requirement is held by which tests
	$(GO) run ./conformance/requirements

fmt:
	gofmt -w cmd internal conformance templates assets

bench: build bridge ## figures of docs/benchmarks.md, measured here and now
	$(GO) run ./conformance/load
	$(GO) test -run='^$$' -bench=. -benchmem ./internal/means/cps
	$(GO) test -run='^$$' -bench=Register -benchtime=1x -timeout 20m ./internal/identity/directory

clean:
	rm -rf $(BIN)
