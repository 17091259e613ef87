# make demo   an environment, a tiny damaged tape, and its restoration
# make test   the tests
# make check  style, types, and which module may import which
# make bench  speed and memory on TAPE, quality on CLIPS, a folder of clean clips; takes its time
# make docs   the pages there are
#
# PYTHON is the interpreter that the environment is made with, 3.11 to 3.13. On Linux PyPI's torch brings gigabytes of CUDA
# along; PIP_EXTRA_INDEX_URL=https://download.pytorch.org/whl/cpu make demo takes the build for the CPU instead.

PYTHON ?= python3
TAPE ?= demo/tape.mkv
CLIPS ?=
VENV := .venv
BIN := $(VENV)/bin
INSTALL := $(BIN)/python -m pip install --quiet --constraint constraints.txt

.PHONY: demo test check bench docs

demo: $(VENV)/installed
	$(BIN)/python examples/01_make_a_damaged_tape.py demo
	$(BIN)/tapemend restore demo/tape.mkv -o demo/restored.mkv --overwrite --no-resume
	@echo
	@echo "the damaged tape:   demo/tape.mkv (demo/clean.mkv before)"
	@echo "the restored tape:  demo/restored.mkv"
	@echo "its report:         demo/restored.report.html"

test: $(VENV)/installed-dev
	$(BIN)/python -m pytest

check: $(VENV)/installed-dev
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: demo
	$(BIN)/python benchmarks/speed.py $(TAPE)
	$(BIN)/python benchmarks/memory.py $(TAPE)
	$(if $(CLIPS),$(BIN)/tapemend evaluate $(CLIPS) --presets first-2026-11 --presets clean --methods tapemend --metrics psnr,@echo "quality: name clean clips with CLIPS=folder")

docs:
	@ls README.md docs/*.md docs/*/*.md

$(VENV)/installed: pyproject.toml constraints.txt
	@echo "installing into $(VENV)"
	$(PYTHON) -m venv $(VENV)
	$(INSTALL) --editable .
	@touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(INSTALL) --editable '.[dev]'
	@touch $@
