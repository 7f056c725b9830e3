# `make install` sets up .venv with the product; all others but `make clean` do that first. Targets
# that test or build the site also install the dependency group `test` (1.5 GB), which a sweep needs not.
PYTHON ?= python3
VENV := .venv
STAMP := $(VENV)/.installed
TEST_STAMP := $(VENV)/.installed_test

# A worker takes a file when it is done with the one before. The order of the files is that of
# tests/conftest.py, long ones first, so that the workers end together. Tests with tools wait for
# servers, disks and killed processes: a third worker has the processor meanwhile.
WORKERS := --dist loadfile --no-loadscope-reorder --numprocesses

# uv takes a quarter of pip's time. pip is for networks whose index only pip is configured for.
define install_editable
@$(VENV)/bin/uv pip install --quiet --compile-bytecode --python $(VENV)/bin/python --editable . $(1) || \
  $(VENV)/bin/pip install --quiet --editable . $(1)
endef

.PHONY: install check test test-all sweep docs notebooks clean

install: $(STAMP)

$(STAMP): pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "chipdse needs Python >= 3.11; '$(PYTHON)' is older or missing: sudo apt-get install python3, or make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { \
	  echo "Python's venv module is missing: sudo apt-get install python3-venv"; exit 1; }
	@command -v g++ >/dev/null || { echo "g++ is missing: sudo apt-get install g++"; exit 1; }
	$(PYTHON) -m venv $(VENV)
	@$(VENV)/bin/pip install --quiet --upgrade 'pip>=25.1' uv
	$(call install_editable)
	@command -v iverilog >/dev/null || \
	  echo "Icarus Verilog is not installed; with it the first sweep takes about a third of the time: sudo apt-get install iverilog"
	@test -n "$$LIBPYTHON_LOC$$($(VENV)/bin/find_libpython)" || { \
	  echo "Python's shared library, in which cocotb runs the benches, is missing: sudo apt-get install libpython3-dev"; exit 1; }
	@touch $@

$(TEST_STAMP): $(STAMP)
	$(call install_editable,--group test)
	@touch $@

check: $(TEST_STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/pytest $(WORKERS) 2 -m "not tools and not slow and not exhaustive" $(PYTEST_ARGS)

test: PYTEST_CHOICE = -m "not exhaustive"
test test-all: $(TEST_STAMP)
	$(VENV)/bin/ruff check .
	$(VENV)/bin/ruff format --check .
	$(VENV)/bin/clang-format --dry-run --Werror chipdse/kernels/*.[ch]
	$(VENV)/bin/pytest $(WORKERS) 3 $(PYTEST_CHOICE) $(PYTEST_ARGS)

sweep: install
	$(VENV)/bin/chipdse sweep sweeps/mac_array.toml

docs: $(TEST_STAMP)
	$(VENV)/bin/python -m sphinx --fail-on-warning --keep-going -q docs build/docs
	@echo "build/docs/index.html; links that leave the site: build/docs/external_links.txt"

notebooks: $(TEST_STAMP)
	$(VENV)/bin/python docs/run_notebooks.py

clean:
	rm -rf $(VENV) runs studies build dist
