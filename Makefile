# `make help` lists the targets. Everything runs inside .venv, made from requirements.lock.
PYTHON ?= python3.11
VENV := .venv
BIN := $(VENV)/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help setup run test test-slow lint format benchmark results lock clean

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## (.*)/  make \1\t\2/' | expand -t 20

setup: $(VENV)/installed ## create .venv from requirements.lock

$(VENV)/installed: requirements.lock
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.lock
	touch $@

run: setup ## train on Census (row missing, ratio 0.2), draw rows, score them: make run [ARGS="seed=1"]
	$(BIN)/python -m src.train dataset=census missing=row ratio=0.2 $(ARGS)

test: setup ## all tests (about 11 minutes on two quiet cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --numprocesses 2 --dist loadfile

test-slow: setup ## kills, fuzzing and long sweeps (about an hour on two cores)
	OMP_NUM_THREADS=1 $(BIN)/python -m pytest --override-ini 'addopts=-q --strict-markers --strict-config' -s tests/slow

lint: setup ## ruff and mypy
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: setup ## let ruff format and fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

benchmark: setup ## training throughput against a bare PyTorch loop
	$(BIN)/python -m benchmarks.training_step

SWEEPS := paper_table1_2 paper_table3_4 paper_table5_6 paper_table9_11 paper_table12_16 paper_table17_18 paper_figure1

results: setup ## run the paper's sweeps (hours; finished runs are skipped), then write docs/results.md: make results [SWEEPS=... ARGS=...]
	for sweep in $(SWEEPS); do $(BIN)/python -m src.train experiment=$$sweep $(ARGS) || test $$? -eq 2 || exit 1; done
	$(BIN)/python -m src.impute experiment=paper_table7 $(ARGS)
	$(BIN)/python -m src.report sweep=outputs results=docs/results.md

lock: ## rewrite requirements.lock from what .venv holds
	$(BIN)/python -m pip freeze --exclude-editable | sed 's/^torch==\([0-9.]*\)+.*/torch==\1/' > requirements.lock

clean: ## delete .venv and caches (never outputs/)
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis
