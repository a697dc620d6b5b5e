# tumorboard: everything a developer or a newcomer runs. `make` alone lists the targets.
#
# One environment, .venv, made once and again whenever pyproject.toml or the viewer's sources change.
# Recipes name files relative to this folder, so a path with spaces to it is no trouble.

PYTHON ?= python3
DEMO   ?= tumorboard-demo
# Two workers: the suite is sized for two cores. tests/conftest.py pins numba and BLAS in each of them.
WORKERS ?= 2
PYTEST_FLAGS ?=

BIN   := .venv/bin
PY    := $(BIN)/python
RUN   := $(PY) -m
STAMP := .venv/.stamp
# What an editable install is built from; Python sources are used in place and need no new install.
BUILT_FROM := pyproject.toml $(wildcard hatch_build.py web/*.json web/*.mjs web/src/* web/licenses/*)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.NOTPARALLEL:
.PHONY: help demo test test-fast lint format docs bench wheel clean

help:  ## list the targets
	@sed -n 's/^\([a-z-]*\): .*## /\1\t/p' Makefile | expand -t 12

demo: $(STAMP)-run  ## a synthetic patient, from DICOM files to the report
	@"$(BIN)/tumorboard" demo --out "$(DEMO)" --no-browser
	@$(PY) -c 'import pathlib, sys; print("Open", (pathlib.Path(sys.argv[1]).resolve() / "report.html").as_uri())' "$(DEMO)"

test: $(STAMP)-test  ## all tests (about ten minutes)
	$(RUN) pytest -n $(WORKERS) --dist worksteal $(PYTEST_FLAGS)

test-fast: $(STAMP)-test  ## tests that need neither patience nor a browser
	$(RUN) pytest -n $(WORKERS) --dist worksteal -m "not slow and not browser" $(PYTEST_FLAGS)

lint: $(STAMP)-lint  ## ruff and mypy
	$(RUN) ruff check .
	$(RUN) ruff format --check .
	$(RUN) mypy

format: $(STAMP)-lint  ## let ruff write the layout and the safe fixes
	$(RUN) ruff check --fix .
	$(RUN) ruff format .

docs: $(STAMP)-docs  ## the documentation, warnings as errors; opens at docs/_build/html/index.html
	@rm -rf docs/reference/api
	$(RUN) sphinx -W --keep-going -q -j $(WORKERS) -b html docs docs/_build/html
	@echo "Documentation: docs/_build/html/index.html"

bench: $(STAMP)-test  ## time against peers; writes benchmarks/results/*.json
	$(PY) benchmarks/run.py

wheel: $(STAMP)-run  ## build the wheel, viewer included, into dist/
	$(RUN) pip wheel --quiet --no-deps --wheel-dir dist .

clean:  ## remove everything that make made
	rm -rf .venv dist build docs/_build docs/gallery docs/reference/api docs/sg_execution_times.rst \
	  .pytest_cache .hypothesis .mypy_cache .ruff_cache .import_linter_cache "$(DEMO)"
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --clear: a half-made environment of an earlier, interrupted call does no harm.
$(STAMP)-venv:
	@"$(PYTHON)" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14))' || \
	  { echo "Python must be 3.11, 3.12 or 3.13; '$(PYTHON)' is not: make PYTHON=python3.11 ..." >&2; exit 1; }
	@echo "Making the environment in .venv (once, a few minutes, about 1 GB)"
	@"$(PYTHON)" -m venv --clear .venv
	@touch $@

# pip is left to the user's own settings: no index is named here.
$(STAMP)-run: $(BUILT_FROM) | $(STAMP)-venv
	@$(RUN) pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(STAMP)-test $(STAMP)-lint $(STAMP)-docs: $(STAMP)-%: $(BUILT_FROM) | $(STAMP)-venv
	@$(RUN) pip install --quiet --disable-pip-version-check -e ".[$*]"
	@touch $(STAMP)-run $@
