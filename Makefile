# make demo    a call with itself, to look at
# make test    every test          make lint    style and types
# make screens the README's pictures, from a real call
# make bench   figures, beside a peer's where there is one
# make clean   forget everything that was built
# PYTHON=/path/to/python3 picks the Python that .venv is made with.

PYTHON ?=
PY := .venv/bin/python

.PHONY: demo test bench screens lint clean setup

demo: setup
	@exec $(PY) tui.py --demo

test: setup
	@exec $(PY) tests/run_all.py

bench: setup
	@exec $(PY) tests/bench/run.py

screens: setup
	@exec $(PY) tests/screens/pictures.py

lint: setup
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check .
	@exec $(PY) -m mypy

setup:
	@PYTHON="$(PYTHON)" .ci/setup

clean:
	rm -rf .venv build dist *.egg-info .pytest_cache .hypothesis .ruff_cache .mypy_cache
	find . -name __pycache__ -prune -exec rm -rf {} +
