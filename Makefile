# `make` alone lists the targets. Everything below `book` and `test` sets itself up on a machine with Python 3.11 or 3.12.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
export OMP_NUM_THREADS := 1
ifndef EXECUTING # the steps of a target follow each other; only notebooks are executed two at a time
.NOTPARALLEL:
endif

PY := .venv/bin/python
READY := .venv/.ready
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 13))
PYTHON ?= $(shell for p in python3.11 python3.12 python3; do $$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done)
RESULTS := $(patsubst notebooks/%.ipynb,book/results/%.ipynb,$(wildcard notebooks/*.ipynb))
SOURCES := $(shell find lth data/records -name '*.py' -o -name '*.parquet' 2>/dev/null)

.PHONY: help book test bench gpu refresh clean data notebooks lint unit nbval chromium

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: data notebooks ## set up, execute every notebook, build the HTML with warnings as errors, say where it is
	.venv/bin/jupyter-book build . --all -W -n --keep-going --quiet
	@echo "Book: $(CURDIR)/_build/html/index.html"

test: lint data chromium book unit nbval ## set up and run everything CI checks
	@echo "All checks passed."

bench: data ## time training on one core and record it: ten minutes, nothing else running (ARGS=--no-keep: write nothing)
	@$(PY) benchmarks/bench.py $(ARGS)
	@$(PY) benchmarks/networks.py $(ARGS)

gpu: $(READY) ## train the studies of the other networks on one GPU; safe to stop and repeat (ARGS=--plan: how long)
	@$(PY) benchmarks/gpu.py $(ARGS)

refresh: data ## execute the committed notebooks again, at their default parameters
	$(PY) notebooks/execute.py
	$(PY) book/_ext/glued_figures.py notebooks/early_stopping.ipynb early_stopping_figure book/_static/early_stopping.png

clean: ## remove what `book` and `test` built; the data, the runs and .venv stay
	rm -rf _build book/results .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .benchmarks
	find lth notebooks tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

data: $(READY)
	@.venv/bin/lth data mnist

notebooks: data
	@$(MAKE) -s -j 2 $(RESULTS) EXECUTING=1

book/results/%.ipynb: notebooks/%.ipynb $(SOURCES) | $(READY)
	@mkdir -p book/results
	@$(PY) notebooks/execute.py $* --to book/results

lint: $(READY)
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	.venv/bin/lint-imports
	$(PY) -m mypy

unit: data
	$(PY) -m pytest tests -q -n 2

nbval: data
	$(PY) -m pytest -q -n 2 --dist loadscope --nbval --nbval-current-env --nbval-sanitize-with notebooks/sanitize.cfg notebooks

# The browser test opens the book in a real browser: one that is there, a package's, or Playwright's own.
chromium: $(READY)
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { [ "$$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq install -y chromium >/dev/null; } \
	|| $(PY) -m playwright install chromium \
	|| { echo "The browser test needs Chromium: install the package chromium and run make again." >&2; exit 1; }

$(READY): pyproject.toml constraints.txt
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 or 3.12 is needed: install one, or run make PYTHON=/path/to/it." >&2; exit 1; }
	@$(PYTHON) -c '$(SUITABLE)' || { echo "$(PYTHON) is not Python 3.11 or 3.12: give another one." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "$(PYTHON) lacks venv: install the package python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PY) -m pip install -qq --disable-pip-version-check -e ".[book,test]" -c constraints.txt
	@touch $@
