# make app: run the studio. make test: run the suite in two processes (WORKERS=4 for more cores), one of which begins with the
# browser. Both set up .venv first; the second time takes seconds. make test-all: the suite with every family in every bundle
# and the largest networks, too. make sbom: what is shipped, with licences, as CycloneDX JSON. make audit: its known
# vulnerabilities.
# uv installs quickly; where it cannot (a proxy with certificates of its own, say), pip does it. Libraries are compiled once,
# here, and our own modules when they are first imported: else each new process compiles them again, which takes seconds.
unexport PYTHONDONTWRITEBYTECODE
PY := .venv/bin/python
UV := .venv/bin/uv pip
PORT ?= 8501

.PHONY: app test test-all check docs lock fuzz sbom audit

.venv/app.stamp: requirements.txt
	@test -x $(PY) || python3 -m venv .venv
	@test -x .venv/bin/uv || $(PY) -m pip install -q --disable-pip-version-check uv
	@VIRTUAL_ENV=.venv $(UV) install -q --compile-bytecode -r requirements.txt || $(PY) -m pip install -q -r requirements.txt
	@touch $@

.venv/dev.stamp: .venv/app.stamp requirements-dev.txt
	@VIRTUAL_ENV=.venv $(UV) install -q --compile-bytecode -r requirements-dev.txt || $(PY) -m pip install -q -r requirements-dev.txt
	@touch $@

app: .venv/app.stamp
	@$(PY) -m pages.shell.launch --port $(PORT)

SUITE = $(PY) -m pytest -n $(or $(WORKERS),2) --dist loadgroup --no-loadscope-reorder

test: .venv/dev.stamp
	@$(SUITE) -m "not whole"

test-all: .venv/dev.stamp
	@$(SUITE)

check: .venv/dev.stamp
	@.venv/bin/ruff check .
	@.venv/bin/ruff format --check .
	@.venv/bin/mypy

sbom: .venv/dev.stamp
	@$(PY) deploy/sbom.py build/sbom.json

audit: .venv/dev.stamp
	@$(PY) deploy/audit.py

docs: .venv/dev.stamp
	@NO_MKDOCS_2_WARNING=1 .venv/bin/mkdocs build -q --strict

fuzz: .venv/dev.stamp
	@for target in zip csv image sound; do $(PY) tests/fuzz/run.py $$target $(or $(SECONDS_EACH),60) || exit 1; done

lock: .venv/dev.stamp
	@$(UV) compile -q --universal --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock" pyproject.toml -o requirements.txt
	@$(UV) compile -q --universal --python-version 3.11 --no-emit-index-url --custom-compile-command "make lock" --extra dev -c requirements.txt pyproject.toml -o requirements-dev.txt
