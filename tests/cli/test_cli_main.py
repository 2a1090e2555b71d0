"""The program as a whole: exit codes, one line of error, no traceback."""

import subprocess
import sys

import click
import pytest

import redmobile.cli
from redmobile import errors
from redmobile.cli import COMMANDS, main


def _program(*arguments):
    return subprocess.run([sys.executable, "-m", "redmobile", *arguments], capture_output=True, text=True, check=False)


def _run(monkeypatch, *arguments):
    monkeypatch.setattr(sys, "argv", ["redmobile", *arguments])
    with pytest.raises(SystemExit) as stopped:
        main()
    return stopped.value.code


@pytest.mark.parametrize("arguments", [("--help",), ("-h",)])
def test_help_lists_every_command_with_its_line(monkeypatch, capsys, arguments):
    assert _run(monkeypatch, *arguments) == 0
    told = capsys.readouterr().out
    for command in COMMANDS:
        assert command in told


def test_version(monkeypatch, capsys):
    assert _run(monkeypatch, "--version") == 0
    assert capsys.readouterr().out.startswith("redmobile, version ")


@pytest.mark.parametrize("arguments", [("nothing",), ("bench", "--nothing"), ("export",)])
def test_a_wrong_command_line_is_exit_code_2_without_a_traceback(arguments):
    ended = _program(*arguments)
    assert ended.returncode == errors.UsageError.exit_code
    assert "Error: " in ended.stderr
    assert "Traceback" not in ended.stderr
    assert ended.stdout == ""


@pytest.mark.parametrize("error", [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.RedmobileError)])
def test_every_error_is_one_line_on_stderr_and_its_exit_code(monkeypatch, capsys, error):
    raised = error("torch", "torch", "a test") if error is errors.MissingExtraError else error("What, expected, found, mend.")

    @click.command()
    def fails():
        raise raised

    monkeypatch.setattr(redmobile.cli, "group", fails)
    assert _run(monkeypatch) == error.exit_code
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == f"redmobile: {raised}\n"


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, click.Abort])
def test_interrupting_is_exit_code_130(monkeypatch, capsys, interruption):
    @click.command()
    def waits():
        raise interruption

    monkeypatch.setattr(redmobile.cli, "group", waits)
    assert _run(monkeypatch) == 130
    assert "interrupted" in capsys.readouterr().err


def test_a_reader_that_goes_away_is_no_traceback():
    ended = subprocess.run(f"{sys.executable} -m redmobile --help | true", shell=True, capture_output=True, text=True, check=False)  # noqa: S602 - a real pipe
    assert "Traceback" not in ended.stderr


def test_a_mistake_in_the_code_keeps_its_traceback(monkeypatch):
    @click.command()
    def breaks():
        raise ZeroDivisionError

    monkeypatch.setattr(redmobile.cli, "group", breaks)
    monkeypatch.setattr(sys, "argv", ["redmobile"])
    with pytest.raises(ZeroDivisionError):
        main()
