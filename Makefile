# Everything a newcomer types: `make demo` and `make test`. Both set up what they need.

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
PEERS := .venv-peers
PEERS_READY := $(PEERS)/.ready
MODELS := .venv-models
MODELS_READY := $(MODELS)/.ready
LITELLM := .venv-litellm
LITELLM_READY := $(LITELLM)/.ready
TESTS ?=
BENCH ?=

.PHONY: demo test peers models litellm check format bench clean

demo: $(READY)
	@$(BIN)/getpatter demo

test: $(READY)
	@$(MAKE) --no-print-directory peers || echo "The test peers could not be installed; tests that need them are skipped."
	@$(MAKE) --no-print-directory models || echo "The libraries of downloaded models could not be installed; tests that need them are skipped."
	@$(MAKE) --no-print-directory litellm || echo "LiteLLM could not be installed; its tests are skipped."
	@# Once, and not in each of a hundred processes that the tests start.
	@$(BIN)/python -m compileall -q engine patter_mcp
	$(BIN)/pytest $(TESTS)

# Other people's software that ours has to agree with, see docs/carriers.md.
peers: $(PEERS_READY)

# Libraries of speech models that are downloaded, see docs/local-speech.md.
models: $(MODELS_READY)

# A library that needs other versions than the vendors' own clients, see docs/dependencies.md.
litellm: $(LITELLM_READY)

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
	rm -rf $(VENV) $(PEERS) $(MODELS) $(LITELLM) .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(READY): pyproject.toml
	@test -d $(VENV) || $(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"Python 3.11 or newer is needed, this is {v.major}.{v.minor}. Try: make PYTHON=python3.11")'
	@test -d $(VENV) || { echo "Making a virtual environment in $(VENV) ..."; $(PYTHON) -m venv $(VENV); }
	@echo "Installing (a minute or two the first time) ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off -e '.[local,dev]'
	@touch $@

$(PEERS_READY): $(READY) tests/peers/requirements.txt tests/peers/package-lock.json
	@echo "Installing the test peers in $(PEERS) (half a minute the first time) ..."
	@rm -rf $(PEERS)
	@$(BIN)/python -m venv --without-pip $(PEERS)
	@$(BIN)/python -m pip --python $(PEERS)/bin/python install --quiet --disable-pip-version-check --progress-bar off --no-deps --no-compile -r tests/peers/requirements.txt
	@cp tests/peers/package.json tests/peers/package-lock.json $(PEERS)
	@if command -v npm >/dev/null; then npm ci --prefix $(PEERS) --ignore-scripts --no-audit --no-fund --silent; else echo "Without npm the peer emulate is left out."; fi
	@touch $@

$(MODELS_READY): $(READY) tests/models/requirements.txt
	@echo "Installing the libraries of downloaded speech models in $(MODELS) (350 MB, ten seconds) ..."
	@rm -rf $(MODELS)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off --no-deps --no-compile --target $(MODELS) -r tests/models/requirements.txt
	@touch $@

$(LITELLM_READY): $(READY) tests/litellm/requirements.txt
	@echo "Installing LiteLLM in $(LITELLM) (150 MB, ten seconds) ..."
	@rm -rf $(LITELLM)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --progress-bar off --no-deps --no-compile --target $(LITELLM) -r tests/litellm/requirements.txt
	@touch $@
