# Two commands matter: `make run` and `make test`. Both set up what they need and are safe to repeat.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
PORT   ?= 8501
ARGS   ?=
WORKERS ?= 2

.PHONY: help run test lint docs browser clean
help:
	@echo "make run    set up, then start the app (PORT=8501, ARGS='more streamlit options')"
	@echo "make test   set up, then run all checks and all tests (WORKERS=2 at once)"
	@echo "make lint   the checks only: style, types, imports between rooms, spelling"
	@echo "make docs   build the API pages into docs/api"
	@echo "make clean  remove the virtual environment, caches and built pages"

run: $(VENV)/.run
	$(BIN)/python -m regcls app --port $(PORT) $(ARGS)

test: $(VENV)/.dev browser lint
	$(BIN)/python -m pytest --numprocesses $(WORKERS) --dist loadfile

lint: $(VENV)/.dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache
	$(BIN)/typos

docs: $(VENV)/.dev
	$(BIN)/python docs/build_api.py

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; if it has another name here: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV) || \
	  { rm -rf $(VENV); echo "Python cannot make a virtual environment here (on Debian: apt-get install python3-venv)"; exit 1; }

# One stamp per requirements file: a second run installs nothing unless a file has changed.
$(VENV)/.run: requirements.txt pyproject.toml | $(BIN)/python
	@echo "Installing what the app needs; the first time this takes some minutes."
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

$(VENV)/.dev: requirements-dev.txt requirements-training.txt requirements-cluster.txt $(VENV)/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# The browser tests drive a Chromium: the machine's own, else Debian's package, else Playwright's.
browser: $(VENV)/.dev
	@command -v chromium chromium-browser google-chrome >/dev/null 2>&1 || \
	if command -v apt-get >/dev/null 2>&1; then \
	  echo "Installing Debian's Chromium for the browser tests."; \
	  sudo=$$([ "$$(id -u)" = 0 ] || echo sudo); \
	  $$sudo apt-get update -qq && $$sudo apt-get install -y -qq chromium >/dev/null || \
	  $(BIN)/playwright install chromium; \
	else $(BIN)/playwright install chromium; fi

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .mypy_cache artefacts docs/api build dist
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
