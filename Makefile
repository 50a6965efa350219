# The course's commands. `make lab` and `make test` need nothing but Python 3.11 or newer.
# Without make: python helpers/start.py, python helpers/start.py test.

PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo "$$p" && break; done)
VENV = .venv/bin/python
SETUP = $(or $(PYTHON),$(error Python 3.11 or newer is needed and none was found: install it, \
	or name it with PYTHON=/path/to/python)) helpers/start.py

.DEFAULT_GOAL = help
.PHONY: help lab test update notebooks labs bench lint format versions lock clean
help: ## show this list
	@sed -n 's/^\([a-z]*\):.*## /  make \1\t/p' $(MAKEFILE_LIST) | expand -t 20

lab: ## open the course in JupyterLab (PORT=8890 BROWSER=no on a server)
	@$(SETUP) lab $(if $(PORT),--port $(PORT)) $(if $(filter no,$(BROWSER)),--no-browser) $(ARGS)

test: ## run every test (ARGS="tests/scaling -k knee" for some of them)
	@$(SETUP) test $(ARGS)

update: ## bring the course up to date; what you did in it is kept
	@$(or $(PYTHON),python3) helpers/update.py

notebooks: installed ## run the notebooks again and save their outputs (NB="notebooks/02*.ipynb")
	$(VENV) -m helpers.authoring execute $(NB)

labs: installed ## make labs/ from solutions/
	$(VENV) -m helpers.authoring labs

bench: installed ## measure speed against other simulators and other ways of drawing
	$(VENV) -m tests.benchmarks $(ARGS)

lint: installed ## check style, formatting, types and the import contract
	$(VENV) -m ruff check .
	$(VENV) -m ruff format --check .
	$(VENV) -m mypy
	.venv/bin/lint-imports

format: installed ## mend style and formatting
	$(VENV) -m ruff check --fix .
	$(VENV) -m ruff format .

versions: installed ## run the tests with the oldest versions allowed, or WHICH=newest
	$(VENV) -m helpers.authoring versions $(or $(WHICH),oldest) $(ARGS)

lock: installed ## pin the dependencies again (UPGRADE=yes for newest versions)
	$(VENV) -m helpers.authoring lock $(if $(UPGRADE),--upgrade)

clean: ## delete the environment and caches; your progress stays
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache build dist *.egg-info .coverage htmlcov
	find . \( -name __pycache__ -o -name .ipynb_checkpoints \) -prune -exec rm -rf {} +

.PHONY: installed
installed:
	@$(SETUP) install test
