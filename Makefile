# Each command sets up .venv first. `make help` says what they do.
PYTHON ?= python3
BIN := .venv/bin
ledger = $(BIN)/python -m orchestration
stamp := .venv/.installed
spark_stamp := .venv-spark/.installed
browser := tests/browser/node_modules/.package-lock.json

.DEFAULT_GOAL := help
.PHONY: demo run close verify ui docs bench test torture spark test-spark lint help

demo: $(stamp); @$(ledger) demo
run: $(stamp); @$(ledger) run --period "$(PERIOD)"
close: $(stamp); @$(ledger) close --period "$(PERIOD)" --by "$(BY)" --draft "$(DRAFT)"
verify: $(stamp); @$(ledger) verify --head "$(HEAD)"
ui: $(stamp); @$(ledger) ui --port "$(or $(PORT),3000)"
docs: $(stamp); @$(ledger) docs
bench: $(stamp); @$(BIN)/python -m benchmarks --messages "$(or $(MESSAGES),10000000)" $(if $(GROWTH),--growth "$(GROWTH)") $(if $(ONLY),--only "$(ONLY)")
test: lint $(browser); @$(BIN)/python -m pytest --ignore=tests/house --ignore=tests/spark --numprocesses 2 --dist loadscope --no-loadscope-reorder
torture: $(stamp); @HYPOTHESIS_PROFILE=torture $(BIN)/python -m pytest -v -o console_output_style=count --durations=20 $(or $(TESTS),tests/trust tests/end_to_end tests/billing tests/support tests/zones)
spark: $(spark_stamp)
test-spark: $(stamp) $(spark_stamp); @$(BIN)/python tests/engines --only-java && .venv-spark/bin/python -m pytest --noconftest tests/spark && $(BIN)/python tests/engines
lint: $(stamp); @$(BIN)/ruff check . && $(BIN)/sqlfluff lint --processes 2 models macros orchestration tests/dbt && $(BIN)/python -m pytest -q tests/house
help: $(stamp); @$(ledger) help

# Built beside and stamped last: an interrupted set-up starts again, a changed lock sets up anew.
$(stamp): requirements.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11) and "Python 3.11 or newer is needed: make PYTHON=python3.11 ...")'
	@rm -rf .venv
	@$(PYTHON) -m venv .venv
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	@touch $(stamp)

# Spark, dbt-spark and what they need, apart from everything else (docs/spark.md). Java 17 or newer is the machine's.
$(spark_stamp): requirements-spark.txt
	@rm -rf .venv-spark
	@$(PYTHON) -m venv .venv-spark
	@.venv-spark/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-spark.txt
	@touch $(spark_stamp)

# Chromium, its driver and axe-core, for the browser tests alone.
$(browser): tests/browser/package-lock.json tests/browser/install.sh
	@tests/browser/install.sh
	@touch $(browser)
