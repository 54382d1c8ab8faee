# make demo and make test build the environment themselves; nothing needs to be installed by hand but Python 3.11 and git.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.installed
# Two for each core and one, as live sessions wait more than they compute; whole files, so that a file's sessions are recorded once.
SPREAD = --forks $(shell $(PYTHON) -c 'import os; print(2 * (os.cpu_count() or 1) + 1)')

# Where bytecode is not kept, every worker rewrites every test's assertions and every command compiles us anew: a minute of CPU.
export PYTHONDONTWRITEBYTECODE :=

.PHONY: types demo test test-deep check format bench bench-rivals chaos soak plans pictures docs clean tamper ten-million

demo: $(STAMP)
	$(BIN)/tapeline demo --for 20s

test: $(STAMP)
	$(BIN)/pytest $(SPREAD)

# The whole number of what the suite takes a seeded sample of, a thousand random examples of each property.
test-deep: $(STAMP)
	TAPELINE_DEEP=1 $(BIN)/pytest $(SPREAD) --timeout 3600

# Every trouble on every venue, planted bugs, and a session killed at five hundred random moments; the suite does a sample. Hours.
chaos: $(STAMP)
	TAPELINE_CHAOS=whole TAPELINE_KILLS=500 $(BIN)/pytest -v tests/chaos tests/app/test_kill.py

# 24 virtual hours on every venue behind a faulty wire; TAPELINE_SOAK takes other hours, TAPELINE_SOAK_VENUE one venue. Hours.
soak: $(STAMP)
	TAPELINE_SOAK=$${TAPELINE_SOAK:-24} $(BIN)/pytest -v -s tests/chaos/test_soak.py

# Plans under budgets in a hundred thousand random cases; the suite tries some thousands.
plans: $(STAMP)
	TAPELINE_PLANS=100000 $(BIN)/pytest tests/streams/quoting/test_plan_budgeted.py

# Records every shipped strategy on loopback venues and draws the pictures of docs/traders.md.
pictures: $(STAMP)
	TAPELINE_PICTURES=docs/pictures $(BIN)/pytest tests/app/test_traders_live.py

check: $(STAMP)
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/mypy tests/streams/operators/typed_pipes.py
	$(BIN)/python -m tests.streams.authored
	MYPYPATH=docs/examples/pond $(BIN)/mypy --strict --follow-imports=silent docs/examples/pond
	$(BIN)/lint-imports

# The types of what `tapeline new-venue` writes; the suite only imports it.
types: $(STAMP)
	TAPELINE_TYPES=1 $(BIN)/pytest tests/app/test_new_venue.py

format: $(STAMP)
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(STAMP)
	$(BIN)/python -m benchmarks

bench-rivals: $(STAMP)
	$(BIN)/python -m benchmarks --rivals

# Ten million events in one session: audited, verified and rebuilt, with time and the most memory held: half an hour.
ten-million: $(STAMP)
	$(BIN)/python -m benchmarks.ten_million

# A thousand places for each kind of damage, on both databases. Hours.
tamper: $(STAMP)
	TAPELINE_TAMPER_PLACES=1000 $(BIN)/pytest -n auto tests/replay/proof/test_mutations.py

clean:
	rm -rf $(VENV) build *.egg-info .mypy_cache .ruff_cache .pytest_cache .hypothesis

$(STAMP): pyproject.toml constraints.txt
	$(PYTHON) -c 'import sys; assert sys.version_info >= (3, 11), "Tapeline needs Python 3.11 or newer; set PYTHON="'
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes --no-deps -r constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	touch $@
