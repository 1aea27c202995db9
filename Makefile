# The two commands of the README, `make demo` and `make test`, do their own set-up in .venv and can be repeated at will.
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
READY := $(VENV)/.ready
ADDONS := .venv-addons
ADDONS_TESTS := tests/stack tests/layers tests/test_objects.py tests/test_cli.py \
    $(addprefix tests/models/test_,unet.py cnn.py deep_supervision.py densenet.py identity.py mobilenet.py resnet.py twin.py weights.py) \
    $(addprefix tests/training/test_,fit.py losses.py metrics.py named_objects.py objective.py recipe.py) \
    $(addprefix tests/search/test_,feasibility.py hypermodel.py named_objects.py trial.py)

.PHONY: demo install addons test test-addons test-addons-all test-zoo test-processes test-backends test-slow test-lowest lint format clean

demo: $(READY)
	$(BIN)/kzoo demo

install: $(READY)

$(READY): setup.cfg pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "kzoo: $(PYTHON) is $$($(PYTHON) -V 2>&1); expected Python 3.11 or later: make PYTHON=python3.11 ..." >&2; exit 2; }
	@$(PYTHON) -m venv $(VENV) || { echo "kzoo: $(PYTHON) cannot create an environment; on Debian and Ubuntu: apt-get install python3-venv" >&2; exit 2; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable '.[dev]'
	@touch $@

# The last stack that runs tensorflow-addons, beside the other: TensorFlow 2.15 and Keras 2.15, which Python 3.12 has no packages for.
addons: $(ADDONS)/.ready

$(ADDONS)/.ready: setup.cfg pyproject.toml constraints-addons.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))' || { echo "kzoo: $(PYTHON) is $$($(PYTHON) -V 2>&1); tensorflow-addons ended with TensorFlow 2.15, which has no packages for Python 3.12 or later, and kzoo needs 3.11: make addons PYTHON=python3.11, or take the successors: kzoo migrate SCRIPT.py" >&2; exit 2; }
	@$(PYTHON) -m venv $(ADDONS)
	$(ADDONS)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-addons.txt --editable '.[addons,test]'
	@touch $@

test: $(READY)
	$(BIN)/python -m pytest -m "not slow and not backends and not zoo and not processes" --numprocesses 2 --dist loadfile

# Every preset: its declared integers recomputed from the network, and the battery in a small form.
test-zoo: $(READY)
	$(BIN)/python -m pytest -m zoo --numprocesses 2

# What the old stack needs of kzoo: all builders and options, files of both, recipes and a search that name objects of addons.
test-addons: $(ADDONS)/.ready
	$(ADDONS)/bin/python -m pytest -m "not slow and not backends and not zoo and not processes" --numprocesses 2 --dist loadfile $(ADDONS_TESTS)

# All tests there, every preset included; what needs Keras 3 is left out.
test-addons-all: $(ADDONS)/.ready
	$(ADDONS)/bin/python -m pytest -m "not slow and not backends and not processes" --numprocesses 2 --dist loadfile

# Trainings, workers, chiefs and tracking servers that are killed, and what is left of the search.
test-processes: $(READY)
	$(BIN)/python -m pytest -m processes

# The same weights on TensorFlow and JAX, and on torch where it is installed.
test-backends: $(READY)
	$(BIN)/python -m pytest -m backends

test-slow: $(READY)
	$(BIN)/python -m pytest -m slow

# The same tests with the oldest versions that setup.cfg admits, in an environment of their own.
test-lowest:
	$(PYTHON) -m venv .venv-lowest
	.venv-lowest/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints-lowest.txt --editable '.[dev]'
	.venv-lowest/bin/python -m pytest -m "not slow and not backends and not zoo and not processes"

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(READY)
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

clean:
	rm -rf $(VENV) $(ADDONS) build *.egg-info .pytest_cache .ruff_cache .mypy_cache
