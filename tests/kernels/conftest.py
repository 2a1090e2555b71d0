"""The kernels' library for this machine, built once into the user's cache, and a RED-mobile small enough for many runs."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from redmobile.kernels.library import build_library, missing_tools


@pytest.fixture(scope="session")
def library() -> Path:
    """The delegate for this machine."""
    if missing := missing_tools():
        pytest.skip(f"building the kernels needs {' and '.join(missing)}")
    return build_library()


@pytest.fixture(scope="session")
def kernels_build(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder to build the kernels' own tests in."""
    if shutil.which("cmake") is None:
        pytest.skip("cmake is not installed (apt install cmake)")
    return tmp_path_factory.mktemp("kernels")
