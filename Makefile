# One line a target: it calls a tool, or a file in scripts/. Nothing is needed beforehand but Python 3.11 or later.

PYTHON ?= python3
# What may be given on the command line or in the environment; `make` hands ONCE, CATALOGUE, ROOT, SEED and UPGRADE on by itself:
T ?=
PYTEST_OPTIONS ?= -n auto --dist worksteal
export PYTHON

BIN := .venv/bin
READY := .venv/.ready
BROWSER := .venv/.browser
COMPOSE := .venv/.compose
PROMTOOL := .venv/.promtool
SOURCES := $(wildcard api cli flowerconfig.py migrations models sandbox tests worker)

.DEFAULT_GOAL := help
.PHONY: help demo bench chaos release test images check lint types secrets audit sbom format lock clean

help: ## Print this text
	@scripts/help $(MAKEFILE_LIST)

##@ Use

demo: $(READY) ## Watch catalogues flow into stores; ONCE=1 ends by itself, CATALOGUE=file [ROOT=category] runs that one
	@$(BIN)/python -m sandbox.demo

bench: $(READY) ## Measure, and print tables with what is to be reached; T=name one of them, SCALE=0.1 a quick look
	@$(BIN)/python -m sandbox.bench $(T)

chaos: $(READY) ## Kill, freeze and cut off everything, and count what is lost; T=sweep or T=storm, SEED=n repeats one
	@$(BIN)/python -m sandbox.chaos $(T)

##@ Work on it

test: $(READY) $(BROWSER) $(COMPOSE) $(PROMTOOL) ## Run the tests; T=path[::name] runs some of them, PYTEST_OPTIONS= goes to pytest
	$(BIN)/python -m pytest $(or $(T),--ignore=tests/benchmarks --ignore=tests/images) $(PYTEST_OPTIONS)

images: $(READY) ## Do the Dockerfile's own steps in a folder, and start what they make; minutes, most of them for the registry
	$(BIN)/python -m pytest tests/images

check: lint types secrets audit images test ## Run all that must pass before a change is handed in

lint: $(READY) ## Look for what the linter and the formatter would change
	scripts/lint $(SOURCES)

types: $(READY) ## Check the types
	$(BIN)/mypy

secrets: $(READY) ## Look for secrets in what would be committed; ACCEPT=1 takes what is found for none, into .secrets.baseline
	$(BIN)/python scripts/secrets $(if $(ACCEPT),--accept)

audit: $(READY) ## Ask for known weaknesses of what is locked; says so where nobody can be asked
	$(BIN)/python scripts/audit

sbom: $(READY) ## Write the bill of materials of the service's image to dist/sbom.json
	$(BIN)/python scripts/sbom dist/sbom.json

format: $(READY) ## Let the linter and the formatter change what they can
	scripts/lint --fix $(SOURCES)

release: $(READY) ## Build the wheel of HEAD and keep it as the previous release, from which tests upgrade
	@scripts/release

##@ Set up

$(READY): requirements.lock pyproject.toml scripts/setup
	scripts/setup

# Asked for once: a machine without a browser runs all tests but those that need one.
$(BROWSER): scripts/browser | $(READY)
	scripts/browser
	@touch $@

# Asked for once, as above.
$(COMPOSE): scripts/compose | $(READY)
	scripts/compose
	@touch $@

# Idem.
$(PROMTOOL): scripts/promtool | $(READY)
	scripts/promtool
	@touch $@

lock: ## Write requirements.lock anew from pyproject.toml; UPGRADE=1 takes newer versions too
	scripts/lock

clean: ## Remove all that the other targets made, .venv included
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage *.egg-info build dist
