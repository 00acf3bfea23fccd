# Every way to check, show and clean Mainstay. `make` alone lists them.
# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory

# What is dear to make and does not belong to one checkout: the lab's base tree, ansible-test's copy.
export MAINSTAY_CACHE ?= $(HOME)/.cache/mainstay
# molecule, ansible-lint and ansible-test call their helpers by name; pyenv's shims would get in between.
export PATH := $(CURDIR)/.venv/bin:$(PATH)
export ANSIBLE_LOCALHOST_WARNING := false
export ANSIBLE_INVENTORY_UNPARSED_WARNING := false

REPORTS := build/reports
PYTHON := .venv/bin/python
PYTEST = $(PYTHON) -m pytest --junitxml=$(REPORTS)/$@.xml
SCENARIOS ?= default ipvs failover sync
# Extra arguments for pytest: make unit ARGS='-k router -x'
ARGS ?=

.PHONY: help
help:  ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

.PHONY: setup
setup:  ## install what this machine lacks (Debian packages, .venv); quick when nothing is missing
	@bash tests/setup/bootstrap.sh

# The same without a word when nothing is missing: what every other target starts with.
.PHONY: ready
ready:
	@bash tests/setup/bootstrap.sh --quiet
	@mkdir -p $(REPORTS)

## ---- the inner loop

.PHONY: lint ruff yamllint mypy
lint: ruff yamllint mypy  ## ruff, yamllint, mypy --strict on the runtime
ruff: ready
	$(PYTHON) -m ruff check --quiet
yamllint: ready
	$(PYTHON) -m yamllint --strict .
mypy: ready
	MYPYPATH=plugins/module_utils $(PYTHON) -m mypy --strict -p mainstay

.PHONY: unit
unit: ready  ## unit and property tests
	$(PYTEST) -q -n 3 tests/unit $(ARGS)

# The seeds to try: make sim SEEDS=100000 FIRST=1. One that fails is told by: make sim SEED=4711
SEEDS ?= 20000
FIRST ?= 1
SEED ?=
.PHONY: sim
sim: ready  ## simulated machines that break at random, on two processes (SEEDS=100000; SEED=n tells one story)
	@PYTHONPATH=plugins/module_utils:tests $(PYTHON) -m sim $(if $(SEED),--seed $(SEED),--seeds $(SEEDS) --first $(FIRST))

.PHONY: oldest-python
oldest-python: ready  ## the runtime's unit tests on the oldest Python that is here (3.9 or later)
	$(PYTHON) tests/setup/oldest_python.py --junitxml=$(REPORTS)/$@.xml $(ARGS)

.PHONY: test-fast
test-fast: ready  ## lint and unit tests: the inner loop, about two minutes
	@$(PYTHON) tests/setup/steps.py fast

## ---- everything

.PHONY: test
test: ready  ## everything, fast to slow, with a table of what took how long (about 40 minutes) (root)
	@$(PYTHON) tests/setup/steps.py all

.PHONY: netns
netns: ready  ## daemons between network namespaces, against each other and against keepalived, three tests at a time (root)
	$(PYTEST) -q -n 3 --dist loadgroup tests/netns $(ARGS)

.PHONY: kernel
kernel: ready  ## the ipvs data plane against a real ip_vs, inside User-Mode-Linux (root)
	$(PYTHON) tests/kernel/run.py --junitxml=$(REPORTS)/$@.xml $(ARGS)

# Packets that `make fuzz` sends.
COUNT ?= 10000000
.PHONY: fuzz
fuzz: ready  ## mutated packets through the codec, COUNT of them in two processes (7 minutes for ten million)
	@PYTHONPATH=plugins/module_utils:tests nice $(PYTHON) -m fuzz codec --count $(COUNT)

.PHONY: fuzz-wire
fuzz-wire: COUNT = 500000
fuzz-wire: ready  ## mutated packets on the wire, COUNT of them against two daemons (some minutes for half a million) (root)
	@PYTHONPATH=plugins/module_utils:tests $(PYTHON) -m fuzz wire --count $(COUNT)

# Faults to measure: make faults ONLY=F27,A01
.PHONY: faults
faults: ready  ## every fault and attack on our pair and on keepalived's, written to docs/parity (ONLY=F27,A01) (root)
	@PYTHONPATH=plugins/module_utils:tests $(PYTHON) -m faults $(if $(ONLY),--only $(ONLY))

.PHONY: lab
lab: ready  ## the lab itself: machines of both kinds boot, reach each other, die and come back (root)
	$(PYTEST) -q tests/lab $(ARGS)

.PHONY: ansible-lint
ansible-lint: ready  ## ansible-lint, production profile; the changelog's own lint
	.venv/bin/ansible-lint --offline --nocolor -q
	.venv/bin/antsibull-changelog lint

.PHONY: sanity units
sanity: ready  ## ansible-test sanity on every Python that is here
	$(PYTHON) tests/setup/run_ansible_test.py sanity $(ARGS)
units: ready  ## the unit tests once more, as ansible-test units runs them
	$(PYTHON) tests/setup/run_ansible_test.py units --report $(REPORTS)/$@.xml $(ARGS)

.PHONY: build
build: ready  ## build the collection, install the archive offline, list its documentation
	$(PYTHON) tests/setup/build_check.py build/collection

.PHONY: molecule
molecule: $(SCENARIOS:%=molecule-%)  ## roles and modules on machines of the lab (SCENARIOS='default failover' for some) (root)
molecule-%: ready
	NO_COLOR=1 .venv/bin/molecule test -s $* </dev/null 2>&1 | $(PYTHON) tests/setup/molecule_recap.py $*

.PHONY: docs
docs: ready  ## write what the model tells (docs/configuration.md, argument_specs) and docs/parity anew, and say what disagrees
	PYTHONPATH=plugins/module_utils:tests $(PYTHON) -m setup.configuration_page
	PYTHONPATH=plugins/module_utils:tests $(PYTHON) -m setup.role_specs
	@PYTHONPATH=plugins/module_utils:tests $(PYTHON) -m parity --write

## ---- to look at

.PHONY: demo
demo: ready  ## from inventory to a failed-over VIP, in a lab (DATA_PLANE=ipvs or nftables; KEEP=1 leaves it) (root)
	@PYTHONPATH=tests KEEP='$(KEEP)' DATA_PLANE='$(DATA_PLANE)' $(PYTHON) -m demo

.PHONY: bench
bench: ready  ## speed and memory with keepalived beside, written to docs/benchmarks.md (about 20 minutes; ONLY=memory for a part) (root)
	@PYTHONPATH=tests $(PYTHON) -m bench

.PHONY: clean-lab
clean-lab: ready  ## end EVERY lab of this host, whoever started it (docs/lab.md ends a single one) (root)
	@PYTHONPATH=tests $(PYTHON) -m lab clean

.PHONY: clean
clean:  ## remove what checks and builds left in the checkout (not .venv)
	rm -rf build .cache .ansible .hypothesis .pytest_cache .mypy_cache .ruff_cache tests/output
	find . -name __pycache__ -not -path './.venv/*' -prune -exec rm -rf {} +
