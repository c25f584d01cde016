# Two commands do all the set-up on a fresh machine: `make run` and `make test`.
# PYTHON=python3.12 picks another interpreter; PARITY=0 leaves out torch and the tests that compare with it.

PYTHON ?= python3
PARITY ?= 1
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PICTURES ?= .pictures

.PHONY: run test check format bench corpus clean screenshots translations

run: $(READY)
	@sh scripts/run.sh $(BIN)/python $(PICTURES) $(FILE)

test: $(READY)-test$(PARITY)
	$(BIN)/python -m pytest -n 2 --dist loadfile $(ARGS)

check: $(READY)-test0
	$(BIN)/ruff format --check graphlab tests benchmarks scripts
	$(BIN)/ruff check graphlab tests benchmarks scripts
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

format: $(READY)-test0
	$(BIN)/ruff format graphlab tests benchmarks scripts
	$(BIN)/ruff check --fix graphlab tests benchmarks scripts

bench: $(READY)-test1
	$(BIN)/python -m benchmarks

# Proves the recorded errors in the real torch, then runs the corpus through the worker and writes the scoreboard.
corpus: $(READY)-test1
	$(BIN)/python scripts/corpus_record.py --check
	$(BIN)/python scripts/corpus.py --show --write

# Takes new texts of the code into the translations and compiles them; docs/TRANSLATING.md says how to fill them in.
translations: $(READY)-test0
	$(BIN)/python scripts/translations.py

screenshots: $(READY)
	@sh scripts/screenshots.sh $(BIN)/python docs/screenshots

clean:
	rm -rf $(VENV) $(PICTURES) build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis

# The environment is made anew when pyproject.toml asks for other packages.
$(READY): pyproject.toml scripts/system_libraries.sh
	@sh scripts/system_libraries.sh
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
		|| { echo "GraphLab needs Python 3.11 or newer; $(PYTHON) is older. Try: make run PYTHON=python3.12"; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e .
	@touch $@

$(READY)-test0: $(READY)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev]"
	@touch $@

$(READY)-test1: $(READY)-test0
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -e ".[dev,parity]"
	@touch $@
