"""What is imported when: the arrows between rooms, and nothing heavy before it is needed."""

import subprocess
import sys
from pathlib import Path

import pytest

from redmobile.cli import COMMANDS

ROOT = Path(__file__).parents[2]
HEAVY = {"torch", "tensorflow", "onnx", "onnxruntime", "numpy", "cv2", "av", "PIL", "ai_edge_litert", "msgspec", "safetensors"}


def _imported_by(code: str) -> set[str]:
    """The top-level modules that a fresh process holds after `code`."""
    ended = subprocess.run(
        [sys.executable, "-c", f"{code}\nimport sys\nprint('MODULES', *sorted(m for m in sys.modules if '.' not in m))"],
        capture_output=True,
        text=True,
        check=True,
    )
    return set(ended.stdout.rpartition("MODULES")[2].split())


def _run_cli(*arguments: str) -> str:
    return f"import sys\nfrom redmobile.cli import main\nsys.argv = {['redmobile', *arguments]!r}\ntry:\n    main()\nexcept SystemExit:\n    pass"


def test_importing_the_package_imports_nothing_but_python():
    assert not _imported_by("import redmobile") & (HEAVY | {"click", "rich"})


@pytest.mark.parametrize("arguments", [("--help",), ("--version",), ()])
def test_help_of_the_program_imports_nothing_heavy_and_no_command(arguments):
    imported = _imported_by(_run_cli(*arguments))
    assert not imported & (HEAVY | {"rich"})
    assert "click" in imported


@pytest.mark.parametrize("command", COMMANDS)
def test_help_of_a_command_imports_nothing_heavy(command):
    assert not _imported_by(_run_cli(command, "--help")) & HEAVY


def test_the_arrows_between_rooms_hold():
    code = "from importlinter.cli import lint_imports_command; lint_imports_command(['--no-logo', '--no-cache'])"
    ended = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert "0 broken" in ended.stdout
