# Everything a newcomer types: `make demo` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
TESTS ?=
BENCH ?=

.PHONY: demo test check format bench clean

demo: $(READY)
	@$(BIN)/getpatter demo

test: $(READY)
	$(BIN)/pytest $(TESTS)

check: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)
	$(BIN)/python bench/run.py $(BENCH)

clean:
	rm -rf $(VENV) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml
	@test -d $(VENV) || $(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, this is {v.major}.{v.minor}. Try: make PYTHON=python3.11")'
	@test -d $(VENV) || { echo "Making a virtual environment in $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -e '.[local,dev]'
	@touch $@
