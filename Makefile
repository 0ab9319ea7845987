# Every target sets up what it needs in .venv; a machine needs Python 3.11 or newer, pip, make and a package index.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready

.PHONY: demo test test-all check fix bench docs docs-serve guides-full clean

demo: $(READY)  ## the main job on embedded data: inspect, compare, predict
	$(BIN)/textgraft demo --out demo

test: $(READY)  ## all tests but the slow ones
	$(BIN)/pytest -n 2 --dist worksteal -m "not slow"

test-all: $(READY)  ## the slow ones too
	TEXTGRAFT_EXAMPLES=2000 $(BIN)/pytest -n 2 --dist worksteal

check: $(READY)  ## format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

fix: $(READY)  ## mends what can be mended
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

bench: $(READY)  ## speed and quality on real data; needs ../shared/data
	-$(BIN)/pip install --quiet --group bench  # a peer that cannot be installed leaves a gap in the table
	$(BIN)/python benchmarks/ladder.py --slow
	-$(BIN)/python benchmarks/finetune.py speed
	$(BIN)/python benchmarks/finetune.py quality
	-$(BIN)/python benchmarks/recurrent.py speed
	$(BIN)/python benchmarks/recurrent.py quality
	-$(BIN)/python benchmarks/encode.py
	-$(BIN)/python benchmarks/predict.py
	-$(BIN)/python benchmarks/coverage.py grid --data-sets 100
	-$(BIN)/python benchmarks/choosing.py
	-$(BIN)/python benchmarks/calibration.py
	-$(BIN)/python benchmarks/many_labels.py
	-$(BIN)/python benchmarks/many_rows.py
	$(BIN)/python benchmarks/parity.py

docs: $(READY)  ## the documentation, strictly, into site/
	$(BIN)/python docs/site/make.py

docs-serve: docs  ## the same, to be read at http://localhost:8000
	$(BIN)/python -m http.server --bind localhost --directory site 8000

guides-full: $(READY)  ## all code of the documentation on all data, hours; keeps what it prints and draws for the pages
	failed=0; for page in $$(cd docs/code && ls -d */[0-9][0-9]_*.py */[0-9][0-9]_*.sh | cut -d/ -f1 | sort -u); do \
		$(BIN)/python docs/code/run.py $$page --write || failed=1; done; exit $$failed

clean:
	rm -rf $(VENV) build site

# constraints.txt pins torch to a release whose CPU build is small; see the comment there.
$(READY): pyproject.toml constraints.txt
	@$(PYTHON) -c "import sys; sys.exit(sys.version_info < (3, 11))" || \
		{ echo "textgraft needs Python 3.11 or newer; say which: make PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	$(BIN)/pip install --quiet --upgrade "pip>=25.1"
	$(BIN)/pip install --quiet --constraint constraints.txt --editable ".[all,embedded]" --group dev
	touch $(READY)
