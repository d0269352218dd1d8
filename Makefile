# Every command of the house. Each makes its own virtual environment the first time; needed before:
# Python >= 3.11 (or PYTHON=/path/to/python) and make. CI runs these targets and nothing else.
VENV := .venv
BIN := $(VENV)/bin
JOBS := 2
ARGS :=

.DEFAULT_GOAL := help
.PHONY: screenshots setup check test docs notebooks binder bench demo serve soak external clean help

help:                   ## show this list
	@sed -n 's/^\([a-z]*\):[^#]*## /\1	/p' Makefile | expand -t 12

setup: $(VENV)/.dev     ## make .venv with everything in it

# .venv/.demo and .venv/.dev: the extra of that name is installed as pyproject.toml has it now
$(VENV)/.%: pyproject.toml | $(VENV)/.made
	@echo "Installing streamops-nb[$*] and what it needs into $(VENV): once, some minutes on a slow line ..."
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --editable '.[$*]'
	@touch $@

$(VENV)/.made:
	@python=$$(PYTHON='$(PYTHON)' .ci/find-python) && \
		echo "Making $(VENV) with $$python ..." && "$$python" -m venv $(VENV)
	@touch $@

check: $(VENV)/.dev     ## format, lint, types, import contracts
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo
	$(BIN)/pytest -q tests/house/test_light_imports.py

test: $(VENV)/.dev      ## the whole test suite; ARGS="-k tumble" narrows it
	-@.ci/need "the browser tests" chromium:chromium
	$(BIN)/pytest -q -n $(JOBS) --dist loadfile $(ARGS)

notebooks: $(VENV)/.dev ## run every notebook and compare what it prints
	$(BIN)/pytest -q -p nbval.plugin --nbval-lax notebooks $(ARGS)

docs: $(VENV)/.dev      ## build the documentation site; a warning is an error
	$(BIN)/sphinx-build -q -W --keep-going -b html docs build/docs
	$(BIN)/python docs/offline.py build/docs
	@echo "The site is build/docs/index.html"

binder:                 ## build the Binder environment anew in build/binder and try it
	rm -rf build/binder
	@python=$$(PYTHON='$(PYTHON)' .ci/find-python) && "$$python" -m venv build/binder
	build/binder/bin/python -m pip install --quiet --disable-pip-version-check -r binder/requirements.txt papermill
	PATH="$(CURDIR)/build/binder/bin:$$PATH" sh binder/postBuild
	PATH="$(CURDIR)/build/binder/bin:$$PATH" python binder/check.py

bench: $(VENV)/.dev     ## measure; the tables are in docs/benchmarks.md
	$(BIN)/python -m benchmarks $(ARGS)

demo: $(VENV)/.demo     ## run the main jobs on recorded and simulated data until Ctrl-C
	@$(BIN)/streamops demo $(ARGS)

serve: $(VENV)/.dev     ## show the page of a workspace in a browser
	$(BIN)/panel serve streamops_nb/app.py $(ARGS)

screenshots: $(VENV)/.dev ## take the pictures of the documents
	@.ci/need "make screenshots" chromium:chromium
	$(BIN)/python -m tests.ui.screenshots docs/img list list-dark summary preview

soak: $(VENV)/.dev      ## the tests that take long: 1,000 kills and the like
	$(BIN)/pytest -q -n $(JOBS) --timeout 7200 -m soak $(ARGS)

external: $(VENV)/.dev  ## the Kafka suites against a real Apache Kafka (java, mvn)
	@.ci/need "make external" java:default-jre-headless mvn:maven
	$(BIN)/pytest -q tests/external -m external $(ARGS)

clean:                  ## remove .venv and what tools left behind; workspaces stay
	rm -rf $(VENV) build dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
