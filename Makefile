# The Unit Step. `make` alone lists the verbs; `make book` and `make test` need nothing typed before them.

PY := .venv/bin/python

# Notebooks are executed as for a page without a kernel, whatever the shell's own settings are.
STATIC := NORMGD_STATIC=1 MPLBACKEND=module://matplotlib_inline.backend_inline

.PHONY: help book test lab notebooks lint test-site pins clean env env-dev
.DEFAULT_GOAL := help

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: env ## build the site into _build/html
	@$(PY) tools/build.py

test: env ## run the unit tests, then every notebook against its stored outputs
	$(PY) -m pytest -m "not site" -n 2 --dist loadfile --doctest-modules tests normgd
	$(STATIC) $(PY) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=120 -n 2 --dist loadscope book

# Trusted, the chapters show their explorers before they are run.
lab: env ## open JupyterLab on the chapters
	@$(PY) -m jupyter trust book/*.ipynb
	$(PY) -m jupyter lab --ServerApp.root_dir=book

notebooks: env ## book/src/*.md -> executed book/*.ipynb (CHECK=1: only compare)
	@$(PY) tools/notebooks.py $(if $(CHECK),--check)

lint: env-dev ## ruff (notebooks too), mypy, codespell
	$(PY) -m ruff check .
	$(PY) -m ruff format --check normgd tests tools book/_ext
	$(PY) -m mypy
	$(PY) -m codespell_lib

test-site: env-dev ## look at the built site in a browser (needs Chromium)
	$(PY) -m pytest -m site -n 2 tests

pins: env-dev ## choose the newest versions for requirements*.txt again
	@$(PY) tools/pins.py

clean: ## remove everything that make made
	rm -rf .venv .cache _build build .pytest_cache .hypothesis .ruff_cache .mypy_cache *.egg-info
	find book normgd tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is asked whether it is complete and up to date. If it cannot say so, the first usable
# Python makes it (again).
env env-dev:
	@level=$(if $(filter env-dev,$@),dev,course); \
	$(PY) tools/env.py --check $$level 2>/dev/null || \
	{ python=$$(sh tools/find-python) && exec "$$python" tools/env.py $$level; }
