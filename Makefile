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

.DEFAULT_GOAL := help
.PHONY: help setup demo demo-cluster catalog test new-project template soak check check-fast lint workflows docs types architecture validate deploy integration-test lock clean-workspace clean

help: ## Show this list
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' $(MAKEFILE_LIST) | expand -t 24

setup: $(READY) ## Make the virtual environment, fetch Delta's jars and a browser for tests

# The browser comes meanwhile: whoever waits for it waits for both.
$(READY): requirements.lock pyproject.toml feature_store/local/setup.py .ci/browser
	@PYTHON="$(PYTHON)" .ci/preflight
	@.ci/browser & trap 'wait' EXIT; set -e; \
	$(MAKE) --silent --no-print-directory $(BIN)/uv; \
	echo "Installing $$(grep -c '^[a-z].*==' requirements.lock) locked packages ..."; \
	$(BIN)/uv pip install --quiet --compile-bytecode --python $(BIN)/python --require-hashes -r requirements.lock; \
	$(BIN)/uv pip install --quiet --python $(BIN)/python --no-deps --no-build-isolation --editable .; \
	echo "Fetching Delta's jars ..."; \
	$(BIN)/python -m feature_store.local.setup 2> $(VENV)/setup.log || { cat $(VENV)/setup.log >&2; exit 1; }
	@touch $@

demo: setup ## Replay the year 2013: land, publish, train, score, monitor, retrain
	@run-job replay -t dev

demo-cluster: setup ## The same on a Spark of two workers, with MLflow on PostgreSQL and tables on S3, all started here
	@python -m feature_store.local.setup s3 2>> $(VENV)/setup.log
	@PIPELINE_WORKSPACE="$(PIPELINE_WORKSPACE)-cluster" python -m examples.cluster run-job replay -t dev

catalog: setup ## Write all features as a page that needs no server, in the workspace's reports
	@write-catalog

# glibc would give each thread a heap of its own, and never give it back. Threads of OpenMP turn round and round while they wait
# for each other: where two processes have two each on two cores, fitting a model took up to ten times the CPU.
test: setup $(BIN)/actionlint ## Run the tests, in three processes; make test PROJECT=flights runs those of one project
ifdef PROJECT
	@pytest $(or $(wildcard tests/$(PROJECT) tests/*/$(PROJECT)),$(error There are no tests of a project $(PROJECT)))
else
	@MALLOC_ARENA_MAX=2 OMP_NUM_THREADS=1 OPENBLAS_NUM_THREADS=1 pytest -n 3 --dist loadfile --no-loadscope-reorder
endif

new-project: setup ## Add a project to this repository: make new-project NAME=churn
	@python -m resources.new_project $(or $(NAME),$(error Name the project: make new-project NAME=churn)) $(ARGS)

template: setup ## Make template/ anew, from which `databricks bundle init` makes new repositories
	@python -m resources.new_project.template

soak: setup ## Kill jobs and race writers at random, search and replay on a cluster: make soak KILLS=50 RACES=50 SEED=1
	@python -m feature_store.local.setup s3 2>> $(VENV)/setup.log
	@KILLS="$(KILLS)" RACES="$(RACES)" SEED="$(SEED)" pytest tests/soak/soak.py tests/soak/on_a_cluster.py tests/soak/on_all_services.py

check: setup lint types architecture test ## Everything that CI checks

check-fast: setup lint types architecture ## The same, with those tests only that your change can affect
	@python -m tests.affected

lint: setup workflows docs
	@ruff check . && ruff format --check .

# Without shellcheck, which is on some machines only: what is wrong must not depend on where it is looked at.
workflows: setup $(BIN)/actionlint ## Check the workflows in .github
	@actionlint -shellcheck= -pyflakes= && zizmor --quiet --offline --persona=pedantic .github

$(BIN)/actionlint: .ci/actionlint .ci/tools/go.mod .ci/tools/go.sum .ci/tools/go.txt | $(BIN)/uv
	@.ci/actionlint $(BIN)/python $@

docs: setup ## Build the documents as a site, in site/; a broken link is an error
	@NO_MKDOCS_2_WARNING=1 mkdocs build --strict --quiet

types: setup
	@mypy

architecture: setup
	@lint-imports

validate: ## Ask your workspace whether the bundle is valid: make validate TARGET=staging
	@.ci/bundle validate $(or $(TARGET),test staging prod)

deploy: $(BIN)/uv ## Build the wheel and deploy the bundle: make deploy TARGET=staging
	@.ci/bundle deploy $(or $(TARGET),$(error Say where to: make deploy TARGET=dev, test, staging or prod))

integration-test: ## Run the replay where it was deployed: make deploy integration-test TARGET=test
	@.ci/bundle integration-test $(or $(TARGET),test)

# All that a deployment needs.
$(BIN)/uv: requirements.lock
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	@sed -n '/^uv==/,/[^\\]$$/p' requirements.lock > $(VENV)/uv.txt
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $(VENV)/uv.txt
	@touch $@

lock: setup ## Resolve requirements.lock again
	@uv pip compile pyproject.toml --extra local --extra databricks --extra benchmarks --extra review --extra cluster --extra dev --universal --generate-hashes --no-emit-index-url \
	  --no-emit-find-links --upgrade --quiet --output-file requirements.lock

clean-workspace: ## Start over: remove all tables, models and reports
	@rm -rf "$(PIPELINE_WORKSPACE)" && echo "removed $(PIPELINE_WORKSPACE)"

clean: ## Remove the virtual environment and all caches
	@rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache dist site
