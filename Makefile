# Two commands matter: `make demo` and `make test`. Each needs python3 ≥ 3.11, make and a network the first time, and nothing else.
#   make demo PYTHON=python3.12          another Python
#   UV_TORCH_BACKEND=cpu make test       PyTorch's CPU build from PyTorch's own index, instead of what PyPI has (on Linux: CUDA, 3 GB)

.DEFAULT_GOAL := help
MAKEFLAGS += --no-print-directory
PYTHON ?= python3
UV := .uv/bin/uv
DEMO := .venv-demo
TEST := .venv-test

# uv brings certificates of its own; where the system has some (perhaps with a company's proxy among them), those are right.
export UV_SYSTEM_CERTS ?= $(if $(wildcard /etc/ssl/certs/ca-certificates.crt /etc/pki/tls/certs/ca-bundle.crt /etc/ssl/cert.pem),true,false)
export UV_NO_PROGRESS = 1

help:  ## this list
	@grep -E '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z]+):.*## */  make \1\t/' | expand -t 16

demo: $(DEMO)/.ready  ## convert, verify and bench RED-mobile; leaves the INT8 .tflite and a before/after picture in out/demo
	$(DEMO)/bin/redmobile build red_mobile --with litert_int8 --out out/demo

test: lint  ## everything that CI checks: lint, types, import arrows, all tests (with PyTorch and TensorFlow)
	$(TEST)/bin/pytest -n 2 --dist worksteal

quick: $(TEST)/.ready  ## the fast tests only
	$(TEST)/bin/pytest -n 2 --dist worksteal -m "not slow"

lint: $(TEST)/.ready  ## ruff, mypy, import-linter
	$(TEST)/bin/ruff check .
	$(TEST)/bin/ruff format --check .
	$(TEST)/bin/mypy
	$(TEST)/bin/lint-imports --no-logo

clean:  ## remove environments, caches and results
	rm -rf .uv $(DEMO) $(TEST) out dist .pytest_cache .mypy_cache .ruff_cache .import_linter_cache .hypothesis

# An environment is made anew when pyproject.toml changes: what is no longer asked for is then gone.
$(DEMO)/.ready: pyproject.toml | $(UV)
	@echo "Making $(DEMO): the base, without PyTorch and TensorFlow …"
	@$(UV) venv --quiet --clear --no-python-downloads --python .uv/bin/python $(DEMO)
	@$(UV) pip install --quiet --python $(DEMO)/bin/python --editable .
	@touch $@

$(TEST)/.ready: pyproject.toml | $(UV)
	@echo "Making $(TEST): the base, PyTorch, TensorFlow, Vela and the tools of development …"
	@$(UV) venv --quiet --clear --no-python-downloads --python .uv/bin/python $(TEST)
	@$(UV) pip install --quiet --python $(TEST)/bin/python --editable '.[torch,tensorflow,npu,loadgen,cluster,dev]'
	@touch $@

$(UV):
	@echo "Fetching uv, which makes the environments …"
	@$(PYTHON) .ci/bootstrap_uv.py .uv

.PHONY: help demo test quick lint clean
.DELETE_ON_ERROR:
