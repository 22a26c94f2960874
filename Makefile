# The Unit Step. `make` alone lists the verbs; `make book` and `make test` need nothing typed before them.

PY := .venv/bin/python

# Notebooks are executed as for a page without a kernel, whatever the shell's own settings are.
STATIC := NORMGD_STATIC=1 MPLBACKEND=module://matplotlib_inline.backend_inline

.PHONY: help book test lab notebooks student lint test-peers test-site bench curves pins clean env env-dev env-peers
.DEFAULT_GOAL := help

help: ## list the verbs
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' Makefile

book: env ## build the site into _build/html
	@$(PY) tools/build.py

test: env ## the unit tests (COVERAGE=1: measured), then every notebook against its stored outputs
	$(PY) -m pytest -m "not site and not live and not peers" -n 2 --dist loadfile --doctest-modules tests normgd \
		$(if $(COVERAGE),--cov=normgd --cov-branch --cov-fail-under=98 --cov-report=term-missing:skip-covered)
	$(STATIC) $(PY) -m pytest --nbval --nbval-current-env --nbval-cell-timeout=120 -n 2 --dist loadscope book

# Trusted, the chapters show their explorers before they are run.
lab: env ## open JupyterLab on the chapters
	@$(PY) -m jupyter trust book/*.ipynb
	$(PY) -m jupyter lab --ServerApp.root_dir=book

notebooks: env ## book/src/* -> executed book/*.ipynb and the claims ledger (CHECK=1: only compare)
	@$(PY) tools/notebooks.py $(if $(CHECK),--check)
	@$(PY) tools/claims.py $(if $(CHECK),--check)

student: env ## the chapters without solutions, to work in and for nbgrader (_build/student, _build/nbgrader)
	@$(PY) tools/student.py

lint: env-dev ## ruff (notebooks too), mypy, codespell
	$(PY) -m ruff check .
	$(PY) -m ruff format --check normgd tests tools benchmarks gallery book/_ext
	$(PY) -m mypy
	$(PY) -m codespell_lib

test-peers: env-peers ## the rules against PyTorch and Optax, and on their arrays
	$(PY) -m pytest -m peers -n 2 --dist loadfile tests

test-site: env-dev ## look at the built site, then at JupyterLab, in a browser (needs Chromium)
	$(PY) -m pytest -m site -n 2 tests
	$(PY) -m pytest -m live tests/test_live.py

bench: env-peers ## time the steps side by side with PyTorch and Optax
	@$(PY) benchmarks/steps.py

curves: env ## compute the U-curves of chapter 14 again (ten minutes)
	@$(PY) benchmarks/u_curves.py

pins: env-dev ## choose the newest versions for requirements*.txt again
	@$(PY) tools/pins.py

clean: ## remove everything that make made
	rm -rf .venv .cache _build build .coverage .pytest_cache .hypothesis .ruff_cache .mypy_cache *.egg-info
	find book normgd tests tools -name __pycache__ -type d -prune -exec rm -rf {} +

# The environment is asked whether it is complete and up to date. If it cannot say so, the first usable
# Python makes it (again).
env env-dev env-peers:
	@level=$(patsubst env-%,%,$(@:env=course)); \
	$(PY) tools/env.py --check $$level 2>/dev/null || \
	{ python=$$(sh tools/find-python) && exec "$$python" tools/env.py $$level; }
