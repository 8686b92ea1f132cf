# make demo: from satellite imagery to an adapted model and a report.  make test: everything that CI checks.
# Both set up .venv once (Python 3.11 or newer; PYTHON=python3.12 make ... picks another) and need nothing else.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test clean
demo: .venv/ready
	$(BIN)/domainclip run quickstart -o demo

test: .venv/ready
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -n 2

.venv/ready: pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "domainclip needs Python 3.11 or newer; name one with: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --disable-pip-version-check -e ".[papers,dicom,tiles,places,embedded,ray,dev]"
	@touch $@

clean:
	rm -rf .venv demo runs build dist *.egg-info
