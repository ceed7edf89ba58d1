# make demo   the whole loop on a year of real data        make test    the tests
# make check  tests, linters, types, architecture          make help    everything else
# make check-fast  the same, with the tests of your change
SHELL := /bin/bash
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
export PIPELINE_WORKSPACE ?= $(CURDIR)/workspace
export PATH := $(CURDIR)/$(BIN):$(PATH)
# The version of uv that the lock names.
UV = uv==$(shell sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements.lock)

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-cluster test soak check check-fast lint types architecture lock clean-workspace clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: $(READY) ## Make the virtual environment, fetch Delta's jars and a browser for tests

$(READY): requirements.lock pyproject.toml feature_store/local/setup.py .ci/browser
	@PYTHON="$(PYTHON)" .ci/preflight
	@.ci/browser
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check $(UV)
	@echo "Installing $$(grep -c '^[a-z].*==' requirements.lock) locked packages ..."
	@$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock
	@$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .
	@echo "Fetching Delta's jars ..."
	@$(BIN)/python -m feature_store.local.setup 2> $(VENV)/setup.log || { cat $(VENV)/setup.log >&2; exit 1; }
	@touch $@

demo: setup ## Replay the year 2013: land, publish, train, score, monitor, retrain
	@run-job replay -t dev

demo-cluster: setup ## The same on a Spark of two workers, with MLflow on PostgreSQL and tables on S3, all started here
	@python -m feature_store.local.setup s3 2>> $(VENV)/setup.log
	@PIPELINE_WORKSPACE="$(PIPELINE_WORKSPACE)-cluster" python -m examples.cluster run-job replay -t dev

# glibc would give each thread a heap of its own, and never give it back.
test: setup ## Run the tests, in two processes
	@MALLOC_ARENA_MAX=2 pytest -n 2 --dist loadfile --no-loadscope-reorder

soak: setup ## Kill jobs and race writers at random, search and replay on a cluster: make soak KILLS=50 RACES=50 SEED=1
	@KILLS="$(KILLS)" RACES="$(RACES)" SEED="$(SEED)" pytest tests/soak/soak.py tests/soak/on_a_cluster.py tests/soak/on_all_services.py

check: setup lint types architecture test ## Everything that CI checks

check-fast: setup lint types architecture ## The same, with those tests only that your change can affect
	@python -m tests.affected

lint: setup
	@ruff check . && ruff format --check .

types: setup
	@mypy

architecture: setup
	@lint-imports

lock: setup ## Resolve requirements.lock again
	@uv pip compile pyproject.toml --extra local --extra databricks --extra benchmarks --extra review --extra cluster --extra dev --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --upgrade --quiet --output-file requirements.lock

clean-workspace: ## Start over: remove all tables, models and reports
	@rm -rf "$(PIPELINE_WORKSPACE)" && echo "removed $(PIPELINE_WORKSPACE)"

clean: ## Remove the virtual environment and all caches
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist
