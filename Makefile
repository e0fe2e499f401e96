# Every target sets up .venv by itself: nothing is needed beforehand but Python 3.11, 3.12 or 3.13, and
# make.
PYTHON ?= python3
BIN := .venv/bin
SETTINGS :=
TESTS := tests

.PHONY: demo test test-processors test-backends test-foreign check bench tensorboard clean

demo: .venv/installed
	$(BIN)/python -m training --resume
	$(BIN)/python -m evaluation

# Two files at a time, since most of a test runs on one core; those that take longest come first.
test: .venv/installed
	$(BIN)/python -m pytest -n 2 --dist loadfile --no-loadscope-reorder \
	    tests/training tests/test_*.py tests/zoo tests/evaluation

# The tests that compare numbers, as other processors would run them; in part by
# make test-processors SETTINGS="sse4.1 avx512" TESTS=tests/zoo
test-processors: .venv/installed
	$(BIN)/python -m tests.processors $(SETTINGS) -- $(TESTS)

# Every architecture and layer on JAX and PyTorch; several gigabytes are installed for it.
test-backends: .venv-backends/installed
	.venv-backends/bin/python -m pytest tests/backends

# Networks made by tools that the project does not need.
test-foreign: .venv-foreign/installed
	.venv-foreign/bin/python -m pytest tests/foreign

check: .venv/installed
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/lint-imports --no-cache
	$(BIN)/mypy
	$(BIN)/python -m pytest --collect-only -qq tests/backends tests/foreign  # which make test does not run

bench: .venv/installed
	$(BIN)/python -m benchmarks

tensorboard: .venv/installed
	@echo "Open http://localhost:6006/?runFilter=evaluation%7Ccomparison&tagFilter=invariance%2Ftop1_agreement%2F&smoothing=0#scalars&regexInput=evaluation%7Ccomparison&tagFilter=invariance%2Ftop1_agreement%2F&_smoothingWeight=0&runSelectionState=eyJjb21wYXJpc29uIjp0cnVlfQ%3D%3D"
	TF_CPP_MIN_LOG_LEVEL=3 $(BIN)/tensorboard --logdir tensorboard_logs --host 127.0.0.1 --port 6006

.venv/installed: EXTRAS := test,dev
.venv-backends/installed: EXTRAS := test,backends
.venv-foreign/installed: EXTRAS := test,onnx,foreign
.venv/installed .venv-backends/installed .venv-foreign/installed: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 14) and "expected Python 3.11, 3.12 or 3.13, received " + sys.version.split()[0] + ": make PYTHON=/path/to/python3.11")'
	$(PYTHON) -m venv $(@D)
	$(@D)/bin/python -m pip install --quiet --disable-pip-version-check --constraint constraints.txt --editable ".[$(EXTRAS)]"
	@touch $@

clean:
	rm -rf .venv .venv-backends .venv-foreign build *.egg-info
