# Owns the commands of a working copy. `make help` lists them.
# `install` makes .venv once and is a no-op, also offline, until the locked dependencies change.

VENV   := .venv
PYTHON := $(VENV)/bin/python
STAMP  := $(VENV)/.installed
LOCKED := requirements-dev.txt

# Each of these on the PATH is asked what it is (a name may be a shim for a version that is not there). The
# first that was built to be quick is taken, else the first that will do. To choose yourself: make .venv.
CANDIDATES := python3.13 python3.12 python3.11 python3 python
ASK        := -I chatsite/interpreter.py

# Everything `ruff`, `mypy` and the like look at.
SOURCES := manage.py chatsite accounts chat metrics tests benchmarks deploy/grafana

.DEFAULT_GOAL := help
.PHONY: help install env run test check types rest faults fmt lock bench dashboards

help: ## list these commands
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-10s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

install: $(STAMP) ## make .venv ready (nothing to do the second time)

$(STAMP): $(LOCKED)
	@if [ -z "$$($(PYTHON) $(ASK) 2>/dev/null)" ]; then \
	  for name in $(CANDIDATES); do \
	    IFS=:; for folder in $$PATH; do \
	      candidate=$$folder/$$name; \
	      case $$("$$candidate" $(ASK) 2>/dev/null) in \
	        quick) found=$$candidate; break 2 ;; \
	        plain) plain=$${plain:-$$candidate} ;; \
	      esac; \
	    done; \
	  done; \
	  found=$${found:-$$plain}; \
	  if [ -z "$$found" ]; then \
	    echo "parley: no Python 3.11, 3.12 or 3.13 with venv was found (Debian: apt install python3-venv)" >&2; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$found" --version), $$found …"; \
	  "$$found" -m venv --clear $(VENV) || exit 1; \
	fi
	@echo "Installing the locked dependencies (about a minute the first time) …"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r $(LOCKED)
	@touch $@

env: ## make the secrets of docker-compose.yml (.env, deploy/secrets); changes nothing that is there
	@./deploy/env.sh

run: install ## start Parley here; options in RUN_ARGS, e.g. RUN_ARGS="--replicas 2 --demo"
	@exec $(PYTHON) manage.py up $(RUN_ARGS)

check: install ## format, lint, types, layers, deployment settings, migrations, unit tests
	@$(MAKE) --no-print-directory -j 2 types rest

types: # by far the longest of `check`, beside the rest of it
	$(VENV)/bin/mypy $(SOURCES)

rest:
	$(VENV)/bin/ruff format --check $(SOURCES)
	$(VENV)/bin/ruff check $(SOURCES)
	$(VENV)/bin/lint-imports
	SECRET_KEY=$$($(PYTHON) -c 'import secrets; print(secrets.token_urlsafe(64))') SECURE_COOKIES=on \
	  $(PYTHON) manage.py check --deploy --fail-level WARNING
	$(PYTHON) -m pytest -q tests/unit tests/house

# Two lanes of whole files, each with servers of its own. Then the programs, which are played several
# at once by themselves.
test: check ## everything: `check`, then every other test
	$(PYTHON) -m pytest -q -n 2 --dist loadfile --no-loadscope-reorder tests/integration tests/journeys
	$(PYTHON) -m pytest -q tests/runs

faults: install ## break everything on purpose and judge; options in FAULTS_ARGS, e.g. "--only rolling"
	@exec $(PYTHON) -m tests.faults $(FAULTS_ARGS)

bench: install ## measure every row of docs/performance.md; options in BENCH_ARGS, e.g. "--only fanout --quick"
	@$(PYTHON) -m pip install --quiet --disable-pip-version-check --no-input --require-hashes -r benchmarks/requirements.txt
	@exec $(PYTHON) -m benchmarks $(BENCH_ARGS)

dashboards: install ## write the dashboards of Grafana again, from deploy/grafana/boards
	@exec $(PYTHON) deploy/grafana/make.py

fmt: install ## format and mend what can be mended by itself
	$(VENV)/bin/ruff format $(SOURCES)
	$(VENV)/bin/ruff check --fix $(SOURCES)

lock: install ## compile requirements*.in into requirements*.txt, with hashes
	@[ -x $(VENV)/bin/uv ] || $(PYTHON) -m pip install --quiet --disable-pip-version-check uv
	@for name in requirements requirements-dev; do \
	  $(VENV)/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	    --no-emit-index-url --output-file $$name.txt $$name.in || exit 1; \
	done
