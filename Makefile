# The commands of the project; `make help` lists them. Works with sh and GNU make 4.3.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

PYTHON ?= python3
VENV := .venv
IN_VENV := $(VENV)/bin
RUNTIME := $(VENV)/requirements.stamp
DEVELOPMENT := $(VENV)/requirements-dev.stamp
INSTALL := $(IN_VENV)/python -m pip install --quiet --disable-pip-version-check
# Compiled modules are kept, also where the shell says otherwise: each of the processes that tests start would compile anew.
export PYTHONDONTWRITEBYTECODE :=
SOURCES := app.py backend bench deploy pages system_tests tests
DOCUMENT_TESTS := tests/test_readme.py tests/test_words.py

# Which tests: a path, a node id, or any words for pytest, as in T="tests/progress -k undo".
T ?=
# Words for `python -m bench`, as in B="--only statistics --dry-run"; none measures everything.
B ?=
# Minutes of `make soak`.
M ?= 60
# How often `make chaos` makes each fault.
F ?= 10
# All of them: four at a time, file by file, as much of each is waiting for a server or a browser.
ALL := -n 4 --dist loadfile --no-loadscope-reorder

.PHONY: help run demo test quick check bench chaos cluster cluster-test soak words icons pins

help: ## List these commands
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' Makefile
	@echo "  PORT and DATA_DIR are obeyed, as in: PORT=9000 DATA_DIR=/srv/school make run"

run: $(RUNTIME) ## Serve the app on http://localhost:8501 (Ctrl-C stops all of it)
	@exec $(IN_VENV)/python app.py

demo: $(RUNTIME) ## Open the demo school and print its sign-ins
	@exec $(IN_VENV)/python -m backend.demo

test: $(DEVELOPMENT) ## Run every test, or those of T="tests/progress -k undo"
	@sh scripts/browser.sh $(IN_VENV)/python
	$(info Testing $(or $(T),everything: some eight minutes on two idle cores) …)
	@exec $(IN_VENV)/python -m pytest $(or $(T),$(ALL))

quick: $(DEVELOPMENT) ## In under a minute: tests that start nothing, and those of the modules you changed
	@exec $(IN_VENV)/python -m pytest --quick -n 2 --dist loadfile

check: $(DEVELOPMENT) ## Lint, format, types, import rules, and that the documents say what is true
	$(IN_VENV)/ruff check .
	$(IN_VENV)/ruff format --check .
	$(IN_VENV)/mypy $(SOURCES)
	$(IN_VENV)/lint-imports
	$(IN_VENV)/python -m pytest $(DOCUMENT_TESTS)

bench: $(DEVELOPMENT) ## Measure, and write bench/results.json and the tables of docs/performance.md
	@exec $(IN_VENV)/python -m bench $(B)

chaos: $(DEVELOPMENT) ## Make every fault ten times (or F=3) under people who save; figures go to docs/reliability.md
	@exec $(IN_VENV)/python -m pytest tests/reliability --faults $(F) --timeout 3600 $(T)

cluster: $(DEVELOPMENT) ## Start a whole cluster on this machine, nginx before it (Ctrl-C stops all of it)
	@exec $(IN_VENV)/python -m system_tests.cluster

cluster-test: $(DEVELOPMENT) ## Drive such a cluster with real clients; findings go to docs/reliability.md
	@exec $(IN_VENV)/python -m system_tests.cluster test

soak: $(DEVELOPMENT) ## An hour (or M=10 minutes) of mixed work on a cluster, a fault each minute
	@exec $(IN_VENV)/python -m system_tests.soak --minutes $(M)

words: $(DEVELOPMENT) ## Bring backend/locale/messages.pot up to date with the sources
	$(IN_VENV)/pybabel -q extract -F babel.cfg -o backend/locale/messages.pot --no-location --sort-output --no-wrap --project=chapter-performance --version=1 .

icons: $(DEVELOPMENT) ## Cut the icon font down to the icons that pages name
	$(IN_VENV)/python -m scripts.subset_icons

pins: $(IN_VENV)/python ## Pin requirements*.txt anew from requirements*.in
	sh scripts/pins.sh $(IN_VENV)/python

$(IN_VENV)/python:
	@echo "Making $(VENV) …"
	@python=$$(PYTHON="$(PYTHON)" sh scripts/python.sh) && "$$python" -m venv $(VENV)

$(RUNTIME): requirements.txt | $(IN_VENV)/python
	@echo "Installing requirements.txt …"
	@$(INSTALL) -r requirements.txt
	@touch $@

$(DEVELOPMENT): requirements-dev.txt $(RUNTIME)
	@echo "Installing requirements-dev.txt …"
	@$(INSTALL) -r requirements-dev.txt
	@touch $@
