"""The tools that fetch packages of Python and make environments."""

from __future__ import annotations

import shutil
import subprocess
import sys

from redmobile.errors import ToolError
from redmobile.shelf import shelf_folders


def find_uv() -> str | None:
    """Uv on PATH, else the one that the Makefile of a checkout fetched."""
    checkouts = [folder.parent / ".uv" / "bin" / "uv" for folder in shelf_folders("benchmarks")]
    return shutil.which("uv") or next((str(uv) for uv in checkouts if uv.is_file()), None)


def python_with(*modules: str) -> str:
    """An interpreter that has `modules`: this one, else one on PATH. Raises ToolError."""
    for python in (sys.executable, shutil.which("python3"), shutil.which("python")):
        if python and subprocess.run([python, "-c", f"import {', '.join(modules)}"], capture_output=True, check=False).returncode == 0:
            return python
    raise ToolError(
        f"No tool that fetches packages: uv is neither on PATH nor in .uv/bin, and no python3 on PATH has {' with '.join(modules)}. "
        "Get one: pip install uv"
    )
