# Every target sets up what it needs: Python >= 3.11, make and a package index are enough.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
OUT ?= out/demo

.PHONY: demo test check faults format tree bench bench-synchrony bench-ranking bench-scale clean help

help:  ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

demo: $(STAMP)  ## build, prove and report a small data set in out/demo
	$(BIN)/simmotion build --recipe demo --out $(OUT)

test: $(STAMP)  ## pass every test, files side by side
	$(BIN)/python -m pytest --numprocesses logical --maxprocesses 4 --dist loadfile

check: $(STAMP)  ## format, lint, types and the Dockerfile
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/hadolint Dockerfile
	$(BIN)/python -m pytest -q tests/test_import_boundary.py tests/test_repository.py

faults: $(STAMP)  ## the fault matrix, whole: outcome of every fault at every stage
	$(BIN)/python -m tests.faults

format: $(STAMP)  ## put the code in its form
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

tree: $(STAMP)  ## write the tree in the README anew
	$(BIN)/python -m tests.readme_tree

bench: $(STAMP)  ## measure speed and memory; prints ratios of two ways in one run
	$(BIN)/python -m tests.benchmarks.bench_render
	$(BIN)/python -m tests.benchmarks.bench_build
	$(BIN)/python -m tests.benchmarks.bench_backbone
	$(BIN)/python -m tests.benchmarks.bench_ablation
	$(BIN)/python -m tests.benchmarks.bench_retime
	$(BIN)/python -m tests.benchmarks.bench_progress
	$(BIN)/python -m tests.benchmarks.bench_pacing
	$(BIN)/python -m tests.benchmarks.bench_wan
	$(BIN)/python -m tests.benchmarks.bench_gpu

bench-synchrony: $(STAMP)  ## ROC of the proof of synchrony on the data set in OUT
	$(BIN)/python -m tests.benchmarks.bench_synchrony $(OUT)

bench-ranking: $(STAMP)  ## right winners, coverage and careless annotators of a simulated crowd
	$(BIN)/python -m tests.benchmarks.bench_ranking

bench-scale: $(STAMP)  ## time, memory and database by the number of triplets; FULL=--full adds 10,000
	$(BIN)/python -m tests.benchmarks.bench_scale $(FULL)

# The pins decide whether an environment is up to date: a changed constraints.txt installs again.
$(STAMP): constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed, this is " + sys.version)'
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt torch
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[test]'
	@touch $@

clean:  ## remove the environment and everything made
	rm -rf $(VENV) out build *.egg-info
