"""What the Makefile's first step says when it cannot go on: one line, and how to mend it."""

import os
import subprocess
import sys
from pathlib import Path

SCRIPT = Path(__file__).parents[2] / ".ci" / "bootstrap_uv.py"


def _bootstrap(folder, before, **environment):
    """Run the script on `folder` after the statements `before`, which change what it finds."""
    code = f"import runpy, sys\nsys.argv = ['bootstrap_uv.py', {str(folder)!r}]\n{before}\nrunpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False, env={**os.environ, **environment})


def _one_line(ended):
    assert ended.returncode == 1
    assert "Traceback" not in ended.stderr
    (line,) = ended.stderr.strip().splitlines()
    return line


def test_an_old_python_is_named_with_the_way_to_choose_another(tmp_path):
    ended = _bootstrap(tmp_path / "uv", "sys.version_info = (3, 9, 2, 'final', 0)")
    assert "needs Python 3.11 or newer" in _one_line(ended)
    assert "make PYTHON=python3.11" in ended.stderr


def test_a_python_without_venv_names_the_package(tmp_path):
    ended = _bootstrap(tmp_path / "uv", "sys.modules['venv'] = None")
    assert _one_line(ended).endswith("apt-get install python3-venv")


def test_without_a_network_it_says_so(tmp_path):
    nobody = "http://127.0.0.1:9/simple"
    ended = _bootstrap(tmp_path / "uv", "sys.modules['ensurepip'] = None", PIP_INDEX_URL=nobody)
    assert "is there a network?" in _one_line(ended)
    assert nobody in ended.stderr
