# Two commands: `make demo` and `make test`. The others are parts of them, or for developers.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=
SECONDS ?= 60

.PHONY: demo test install install-dev packages check unit lines fuzz lock docs screens bench clean

demo: install
	@$(BIN)/virtual-window demo $(ARGS)

test: install-dev check unit

# The virtual environment, from the locks, by hash. Each stamp says which lock it was made from.
install: .venv/installed
install-dev: .venv/installed-dev node_modules/.package-lock.json

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed (PYTHON=python3.12 make …)"; exit 1; }
	@$(PYTHON) -m venv .venv 2>/dev/null \
	  || { deploy/system-packages python3-venv && $(PYTHON) -m venv --clear .venv; }

# The hot path of the media node is compiled where it can be; without it media go the plain way.
.venv/installed: .venv/bin/python requirements.lock pyproject.toml media/node/_hot.c
	@deploy/system-packages gcc libc6-dev libsrtp2-dev python3-dev \
	  || echo "Without a compiler and libsrtp the media node is slower." >&2
	@echo "Installing from requirements.lock …" >&2
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install -q --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/installed-dev: .venv/installed requirements-dev.lock
	@$(BIN)/python -c "import media.node._hot"
	@$(BIN)/python -m pip install -q --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# What the tests need of the system: a browser, fonts with Chinese glyphs, Node for the page tools,
# a reader of PDFs that is not ours, and the servers of an arrangement with several processes.
packages:
	@deploy/system-packages chromium fonts-noto-cjk nodejs npm poppler-utils postgresql redis-server

# Not `npm ci`: it also wants the binaries of every other platform to be in the lock, which a
# mirror that holds only some of them cannot write. `--no-save` installs by the lock and its hashes.
node_modules/.package-lock.json: packages package-lock.json
	@npm install --no-save --no-audit --no-fund --silent
	@touch $@

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	node_modules/.bin/biome ci .
	node_modules/.bin/tsc -p .
	$(BIN)/virtual-window docs --check

unit: install-dev
	node --test tests/web/*.test.mjs
	$(BIN)/pytest -n 2 --dist loadfile

# Calls of real browsers over bad lines, measured in what is received; one after the other.
lines: install-dev packages
	$(BIN)/pytest -m lines

# Each reader of foreign bytes for so many seconds; what breaks one is kept in its corpus.
fuzz: install-dev
	@for target in $$($(BIN)/python -m tests.media.fuzz); do \
	  echo "$$target"; $(BIN)/python -m tests.media.fuzz $$target $(SECONDS) || exit 1; \
	done

lock:
	$(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header \
	  pyproject.toml -o requirements.lock
	$(BIN)/uv pip compile -q --generate-hashes --universal --python-version 3.11 --no-header \
	  --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock
	npm install --package-lock-only --omit-lockfile-registry-resolved

docs:
	$(BIN)/virtual-window docs

screens: install-dev
	$(BIN)/python -m tests.support.screens docs/screens

bench: install-dev packages
	$(BIN)/virtual-window bench picture $(ARGS)
	$(BIN)/virtual-window bench media $(ARGS)
	$(BIN)/virtual-window bench routing $(ARGS)

clean:
	rm -rf .venv node_modules .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache
