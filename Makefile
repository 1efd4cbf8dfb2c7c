# `make` alone lists the targets. Everything below `book` and `test` sets itself up on a machine with Python 3.11 to 3.14.

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DELETE_ON_ERROR:
.DEFAULT_GOAL := help
.NOTPARALLEL:
export OMP_NUM_THREADS := 1

PY := .venv/bin/python
READY := .venv/.ready
# Where .venv was made: its programs name that folder, so a folder that was copied or moved gets another one.
MADE := $(shell cat .venv/.ready 2>/dev/null)
SUITABLE := import sys; sys.exit(not (3, 11) <= sys.version_info[:2] < (3, 15))
# Looked for when it is first needed, and once.
PYTHON ?= $(eval PYTHON := $(shell for p in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$p -c '$(SUITABLE)' 2>/dev/null && echo $$p && break; done))$(PYTHON)

# What a user has set for pip, where packages come from excepted, would put them elsewhere or leave some out.
PIP_ALONE := PIP_USER=0 PIP_NO_DEPS=0 PIP_DRY_RUN=0 PIP_REQUIRE_HASHES=0 PIP_IGNORE_INSTALLED=0 \
	PIP_TARGET= PIP_PREFIX= PIP_ROOT= PIP_CONSTRAINT= PIP_REQUIREMENT= PIP_PYTHON=

NOTEBOOKS := $(wildcard notebooks/*.ipynb)
# What a notebook shows depends on: the library without its command line, the records and readings, how it is executed.
NEEDED := $(filter-out $(wildcard lth/cli/*.py) lth/report/rerun.py,$(wildcard lth/*.py lth/*/*.py lth/*/*/*.py)) \
	$(wildcard data/records/*/* data/reference/*) notebooks/execute.py constraints.txt
EXECUTED := book/results/.executed
NBVAL := --nbval --nbval-current-env --nbval-sanitize-with notebooks/sanitize.cfg

.PHONY: help book pdf links test setup data lint unit trust nbval bench gpu refresh clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-10s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

book: data $(EXECUTED) ## set up, execute every notebook, build the HTML with warnings as errors, say where it is
	.venv/bin/jupyter-book build . --all -W -n --keep-going --quiet
	@echo "Book: $(CURDIR)/_build/html/index.html"

pdf: setup book ## the book as one PDF, printed by the browser, with every figure looked for in it
	@$(PY) book/pdf.py

links: data $(EXECUTED) ## check the links that lead elsewhere
	.venv/bin/jupyter-book build . --path-output _build/links --builder linkcheck --all --keep-going --quiet

test: setup lint book unit nbval ## set up and run everything CI checks
	@echo "All checks passed."

setup: $(READY) ## install into .venv, and a browser where there is none: as root the package chromium, else Playwright's
	@command -v chromium >/dev/null || command -v chromium-browser >/dev/null || command -v google-chrome >/dev/null \
	|| { echo "The book is tested in a browser and there is none: installing Chromium."; \
	{ [ "$$(id -u)" = 0 ] && apt-get -qq update && apt-get -qq install -y chromium >/dev/null; } \
	|| $(PY) -m playwright install chromium \
	|| { echo "The browser test needs Chromium: install the package chromium and run make again." >&2; exit 1; }; }

data: $(READY) ## fetch and verify MNIST
	@.venv/bin/lth data mnist

lint: $(READY) ## check style, types, which module imports which, and that the installed packages fit each other
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy
	.venv/bin/lint-imports --no-logo
	$(PY) -m pip check

unit: data ## run the tests; those of the book need `make book` before
	$(PY) -m pytest tests -q -n 2 --dist loadfile --durations 15

trust: data ## try what could go wrong at random: hundreds of inputs and kills, half an hour; a few of them are in `unit`
	LTH_TRUST=40 $(PY) -m pytest -q tests/trust tests/records/test_forgeries.py tests/records/test_published_records.py
	.venv/bin/lth verify --all

nbval: data $(EXECUTED) ## compare what the committed notebooks show with what they show when executed
	$(PY) -m pytest -q $(NBVAL) --executed book/results notebooks

bench: data ## time training on one core and record it: a quarter of an hour, nothing else running (ARGS=--no-keep: write nothing)
	@$(PY) benchmarks/bench.py $(ARGS)
	@$(PY) benchmarks/networks.py $(ARGS)
	@$(PY) benchmarks/convolutions.py $(ARGS)

gpu: $(READY) ## train the studies of the other networks on one GPU; safe to stop and repeat (ARGS=--plan: how long)
	@$(PY) benchmarks/gpu.py $(ARGS)

refresh: data ## execute the committed notebooks again, at their default parameters
	$(PY) notebooks/execute.py --jobs 2
	$(PY) book/_ext/figures.py notebooks/control.ipynb hero book/_static

clean: ## remove what `book` and `test` built; the data, the runs and .venv stay
	rm -rf _build book/results .pytest_cache .ruff_cache .mypy_cache .import_linter_cache .benchmarks
	find lth notebooks tests benchmarks -name __pycache__ -prune -exec rm -rf {} + 2>/dev/null || true

# Where something has changed that notebooks share all of them are executed, else those that have changed.
$(EXECUTED): $(NOTEBOOKS) $(NEEDED) | data
	@$(PY) notebooks/execute.py --jobs 2 --to book/results $(if $(filter-out $(NOTEBOOKS),$?),,$(notdir $(basename $?)))
	@touch $@

moved:

$(READY): pyproject.toml constraints.txt $(if $(and $(MADE),$(filter-out "$(CURDIR)","$(MADE)")),moved)
	@[ -n "$(PYTHON)" ] || { echo "Python 3.11 to 3.14 is needed: install one, or run make PYTHON=/path/to/it." >&2; exit 1; }
	@$(PYTHON) -c '$(SUITABLE)' || { echo "$(PYTHON) is not Python 3.11 to 3.14: give another one." >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip' || { echo "$(PYTHON) lacks venv: install the package python3-venv." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(PIP_ALONE) $(PY) -m pip install -qq --disable-pip-version-check -e ".[book,test]" -c constraints.txt \
		$$($(PY) .ci/cpu_builds.py)
	@pwd > $@
