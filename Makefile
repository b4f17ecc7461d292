# Everything starts here; `make help` lists it. Needs only make and Python 3.11 or newer.

PORT ?= 8000
SMOKE ?= 1
# Each process of the tests has a PostgreSQL and Redis of its own. One more than the two cores that they are timed on:
# many tests wait, for clocks, leases and processes that start.
PROCESSES ?= 3
export PORT SMOKE

VENV := .venv
RUN := $(VENV)/bin/python
RUNTIME := requirements.txt $(if $(filter 0 false no off,$(SMOKE)),,requirements-smoke.txt)
EVERYTHING := requirements.txt requirements-smoke.txt requirements-dev.txt

# The first Python that really starts and is new enough; a name on the PATH alone proves neither.
FIND_PYTHON = for python in $(PYTHON) python3.12 python3.11 python3.13 python3; do \
	if $$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then break; fi; python=; \
	done; \
	if [ -z "$$python" ]; then echo "Python 3.11 or newer is needed; none was found. Name one: make run PYTHON=/path/to/python3" >&2; exit 1; fi

.DEFAULT_GOAL := help
.PHONY: help install install-all run test check reference format bench conformance transcript mutate fuzz fuzz-api scanners story pictures looks clean

help: ## list what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' $(firstword $(MAKEFILE_LIST))

install: ## make .venv with what running needs (SMOKE=0 leaves torch out)
	@$(FIND_PYTHON); $$python config/launcher/install.py $(RUNTIME)

install-all: ## make .venv with what tests and checks need, too
	@$(FIND_PYTHON); $$python config/launcher/install.py $(EVERYTHING)

run: install ## run two instances with their own PostgreSQL and Redis until Ctrl-C (PORT=8000)
	@$(RUN) -m config.launcher

test: install-all ## run all tests, with a PostgreSQL and Redis of their own
	@PYTHONDONTWRITEBYTECODE= $(RUN) -m pytest -n $(PROCESSES) --dist loadgroup --no-loadscope-reorder $(TESTS)

check: install-all ## lint, types, import contracts, migrations, templates
	$(RUN) -m ruff check .
	$(RUN) -m ruff format --check .
	$(RUN) -m mypy
	$(VENV)/bin/lint-imports
	$(RUN) manage.py check
	$(RUN) -W ignore::RuntimeWarning manage.py makemigrations --check --dry-run
	$(RUN) manage.py compile_templates

reference: install-all ## write docs/reference/ anew from the code: API, refusals, workflows, checks, reports
	@SECRET_KEY=none DATABASE_URL=postgresql://none REDIS_URL=redis://none $(RUN) manage.py write_reference
	@$(RUN) -m weights.reference docs/reference
	@$(RUN) -m smoke.reference docs/reference

format: install-all ## write code the way `make check` wants it
	$(RUN) -m ruff check --fix .
	$(RUN) -m ruff format .

bench: install-all ## measure what the documentation claims
	@$(RUN) -m pip install --quiet --no-deps -r requirements-bench.txt
	@$(RUN) -m pytest tests/bench -q -s -p no:randomly

conformance: install-all ## hold the Hub endpoint to its client's documentation, all of it in both of the client's modes
	@CONFORMANCE=whole $(RUN) -m pytest tests/conformance -q -p no:randomly

transcript: install-all ## write docs/transcripts/hub.txt anew: upload, asking for access and download, really run
	@PYTHONPATH=. $(RUN) tests/conformance/transcript.py

mutate: install-all ## hold the checks of weights to the formats' reference readers (MUTATIONS=3000 of each format)
	@MUTATIONS=$${MUTATIONS:-3000} $(RUN) -m pytest tests/property/test_format_mutations.py -q -s -p no:randomly

fuzz: install-all ## fuzz one parser of weights (TARGET=pickle SECONDS=240); inputs stay in var/fuzz
	@$(RUN) -m pip install --quiet -r requirements-fuzz.txt
	@$(RUN) -m tests.fuzz $(or $(TARGET),pickle) $(or $(SECONDS),240)

fuzz-api: install-all ## ask the REST API for what its schema allows, and the Hub endpoint for what it does not (API_EXAMPLES=200 each)
	@API_EXAMPLES=$${API_EXAMPLES:-200} HUB_EXAMPLES=$${HUB_EXAMPLES:-2000} $(RUN) -m pytest tests/integration/test_api_fuzz.py tests/integration/hub/test_hostile.py tests/property/test_hub_routes.py -q -p no:randomly

scanners: install-all ## run the hostile corpus through other scanners, too (each in an environment below var/scanners)
	@$(RUN) tests/bench/bench_scanners.py var/scanners

story: install-all ## tell the whole way, in a browser, against the instance that runs
	@STORY_ON="$${IMPRIMATUR_VAR:-var}" $(RUN) -m pytest tests/browser/story -q -p no:randomly

pictures: install-all ## take the documentation's pictures, by telling the story
	@KEEP_PICTURES=1 STORY_ON="$${IMPRIMATUR_VAR:-var}" $(RUN) -m pytest tests/browser/story/test_story.py -q -p no:randomly

looks: install-all ## take pictures of the pages in each look, as browser tests see them (var/screenshots)
	@SCREENSHOTS=1 $(RUN) -m pytest tests/browser -q -p no:randomly --ignore tests/browser/story

clean: ## remove caches, logs and collected files; DATA=1 removes databases, blobs and secrets, too
	@$(FIND_PYTHON); $$python config/launcher/clean.py $(if $(DATA),--data)
