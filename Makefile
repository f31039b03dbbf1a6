# `make help` lists the targets. Everything runs inside .venv, made from requirements.lock.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=
LOCK ?= requirements.lock

.DEFAULT_GOAL := help
.PHONY: help setup run unit test test-more test-slow lint check hooks format benchmark gpu results lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(VENV)/installed ## create .venv from requirements.lock; LOCK=requirements.hashes.lock checks every file's hash

$(VENV)/installed: $(LOCK)
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r $(LOCK)
	touch $@

run: setup ## train on Census (row missing, ratio 0.2), draw rows, score them: make run [ARGS="seed=1"]
	$(BIN)/python -m src.train dataset=census missing=row ratio=0.2 $(ARGS)

PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest
SIDE_BY_SIDE := --numprocesses 2 --dist loadfile --no-loadscope-reorder
ALL_MARKS := --override-ini 'addopts=-q --strict-markers --strict-config'

unit: setup ## the unit tests that take milliseconds: one minute on two cores
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not slow and not integration' tests/unit

test: setup ## unit tests, models that learn known tables, and every command once: five minutes on two cores
	$(PYTEST) $(SIDE_BY_SIDE)

test-more: setup ## what `make test` leaves out and takes seconds each: half an hour on two cores
	$(PYTEST) $(SIDE_BY_SIDE) $(ALL_MARKS) -m slow tests/unit tests/statistical tests/cli

test-slow: test-more ## test-more, then kills, fuzzing and long sweeps: an hour and a half on two cores
	$(PYTEST) $(ALL_MARKS) -s tests/slow

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

check: setup ## lint, and the tests of the architecture, the objectives and the tables' rules: the inner loop
	$(BIN)/ruff check . && $(BIN)/ruff format --check .
	$(PYTEST) $(SIDE_BY_SIDE) -m 'not slow and not integration' tests/unit/test_imports.py tests/unit/diffusion tests/unit/missing tests/unit/completion tests/unit/encoding

hooks: setup ## ruff and mypy before every commit (needs pre-commit)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check pre-commit==4.7.0
	$(BIN)/pre-commit install

format: setup ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: setup ## training throughput against a bare PyTorch loop
	$(BIN)/python -m benchmarks.training_step

gpu: setup ## measure a GPU in 8 minutes, without a network: make gpu [ARGS="--device cpu --share 0.01" rehearses]
	$(BIN)/python -m benchmarks.gpu $(ARGS)

SWEEPS := paper_table1_2 paper_table3_4 paper_table5_6 paper_table9_11 paper_table12_16 paper_table17_18 paper_figure1

results: setup ## run the paper's sweeps (hours; finished runs are skipped), then write docs/results.md: make results [SWEEPS=... ARGS=...]
	for sweep in $(SWEEPS); do $(BIN)/python -m src.train experiment=$$sweep $(ARGS) || test $$? -eq 2 || exit 1; done
	$(BIN)/python -m src.impute experiment=paper_table7 $(ARGS)
	$(BIN)/python -m src.report sweep=outputs results=docs/results.md

audit: setup ## look the locked versions up in the database of known vulnerabilities (needs pypi.org)
	$(PYTHON) -m venv $(VENV)/audit
	$(VENV)/audit/bin/python -m pip install --quiet --disable-pip-version-check pip-audit==2.10.1
	$(VENV)/audit/bin/pip-audit --requirement requirements.lock --no-deps --disable-pip

DECLARED := import tomllib; p = tomllib.load(open("pyproject.toml", "rb"))["project"]; print(*p["dependencies"], *p["optional-dependencies"]["dev"], sep="\n")
FAST_TESTS := tests/unit --ignore=tests/unit/test_notebooks.py

.PHONY: compat-% oldest
compat-%: ## the fast tests on another Python with the newest versions that pyproject.toml allows: make compat-3.13
	python$* -m venv .venv-$*
	$(PYTHON) -c '$(DECLARED)' | .venv-$*/bin/python -m pip install --quiet --disable-pip-version-check -r /dev/stdin
	OMP_NUM_THREADS=1 .venv-$*/bin/python -m pytest --numprocesses 2 --dist loadfile $(FAST_TESTS)

oldest: ## the fast tests with the oldest versions that pyproject.toml allows
	$(PYTHON) -m venv .venv-oldest
	$(PYTHON) -c '$(DECLARED)' | sed -E 's/>=([^,]*).*/==\1/' | .venv-oldest/bin/python -m pip install --quiet --disable-pip-version-check -r /dev/stdin
	OMP_NUM_THREADS=1 .venv-oldest/bin/python -m pytest --numprocesses 2 --dist loadfile $(FAST_TESTS)

lock: ## rewrite requirements.lock from what .venv holds
	$(BIN)/python -m pip freeze --exclude-editable | sed -e 's/^torch==\([0-9.]*\)+.*/torch==\1/' \
	  -e 's/^xgboost-cpu==\(.*\)/xgboost-cpu==\1; sys_platform != "darwin"\nxgboost==\1; sys_platform == "darwin"/' > requirements.lock

clean: ## delete .venv and caches (never outputs/)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
