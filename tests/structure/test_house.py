"""The house stands as CONTRIBUTING says: one thing a file, tests beside what they test, nothing of this machine in it."""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import click
import pytest

from redmobile import errors
from redmobile.cli import COMMANDS

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "redmobile"
SHELVES = ("converters", "models", "benchmarks")
NO_COMMANDS = {"__init__", "bench_compare", "bench_result", "console", "options"}
"""Files of cli/ that hold what commands share."""


def _tracked() -> list[Path]:
    """The repository's files; without git, everything that is no cache and no environment."""
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    if listed.returncode:
        pytest.skip("this is no git checkout, so nobody knows which files belong to it")
    return [ROOT / name for name in listed.stdout.split("\0") if name and (ROOT / name).is_file()]


def test_every_command_has_its_file_and_every_file_its_command():
    files = {path.stem for path in (PACKAGE / "cli").glob("*.py")} - NO_COMMANDS
    assert files == set(COMMANDS)


@pytest.mark.parametrize("command", COMMANDS)
def test_a_command_has_a_sentence_examples_and_options_with_help(command):
    found = importlib.import_module(f"redmobile.cli.{command}").command
    for one in (found, *found.commands.values()) if isinstance(found, click.Group) else (found,):
        assert one.help
        assert "Example" in (one.epilog or "")
        assert f"redmobile {command}" in one.epilog
        assert all(parameter.help for parameter in one.params if isinstance(parameter, click.Option))
        assert isinstance(one, click.Group) or any("--json" in parameter.opts for parameter in one.params)


def _error_classes():
    return [found for found in vars(errors).values() if isinstance(found, type) and issubclass(found, errors.RedmobileError)]


def test_every_error_has_its_own_exit_code_and_stands_in_the_tree():
    codes = [error.exit_code for error in _error_classes()]
    assert len(set(codes)) == len(codes)
    for error in _error_classes():
        assert f"{error.__name__} ({error.exit_code})" in errors.__doc__
        assert error.__doc__


def test_exit_codes_do_not_collide_with_those_of_shells():
    assert all(0 < error.exit_code < 64 for error in _error_classes())


def test_there_is_one_import_package_and_the_shelves_hold_no_python():
    assert [path.parent.name for path in ROOT.glob("*/__init__.py")] == ["redmobile"]
    for shelf in SHELVES:
        assert (ROOT / shelf).is_dir()
        assert not list((ROOT / shelf).rglob("*.py"))


def test_the_base_holds_neither_torch_nor_tensorflow():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    base = {re.match(r"[\w.-]+", line)[0].lower() for line in project["dependencies"]}
    assert not {name for name in base if name.startswith(("torch", "tensorflow", "nvidia", "onnxscript"))}


def test_tests_mirror_the_sources():
    rooms = {path.name for path in PACKAGE.iterdir() if path.is_dir()} | {path.stem for path in PACKAGE.glob("*.py")}
    folders = {path.parent.name for path in (ROOT / "tests").glob("*/test_*.py")}
    assert folders <= rooms | {"structure", "action", *SHELVES}  # action.yml is no room, but has tests
    untested = {path.name for path in PACKAGE.iterdir() if (path / "__init__.py").is_file()} - folders
    assert not untested, f"rooms without tests: {', '.join(sorted(untested))}"


def test_no_two_test_files_have_one_name():
    names = [path.name for path in (ROOT / "tests").rglob("test_*.py")]
    assert len(set(names)) == len(names)


def test_no_drawers_for_everything():
    drawers = {"utils", "helpers", "common", "misc"}
    assert not [path for path in _tracked() if path.suffix == ".py" and drawers & {path.stem, *path.relative_to(ROOT).parts[:-1]}]


def test_no_paths_of_a_machine_and_nothing_unfinished():
    # Written in pieces, so that this file does not find itself.
    machine = re.compile("|".join(["/" + "work/", "/" + "root/", "/" + r"home/\w", "/" + "Users/", "/tm" + "p/dev"]).encode())
    unfinished = re.compile(b"TO" + b"DO|FIX" + b"ME|raise NotImplemented" + b"Error")
    texts = [path for path in _tracked() if path.suffix in {".py", ".toml", ".md", ".yaml", ".json", ""}]
    assert len(texts) > 50
    for path in texts:
        content = path.read_bytes()
        assert not machine.search(content), f"{path}: holds a path of somebody's machine: {machine.search(content)[0]!r}"
        assert not unfinished.search(content), f"{path}: {unfinished.search(content)[0]!r}"


def test_the_photographs_are_small_and_their_licences_are_said():
    folder = ROOT / "models" / "red_mobile"
    photos = [*(folder / "demo").glob("*.jpg"), *(folder / "calibration").glob("*.jpg")]
    said = (folder / "PHOTOGRAPHS.md").read_text()
    assert len(photos) >= 10
    assert sum(path.stat().st_size for path in photos) <= 2_500_000
    for path in photos:
        assert f"| {path.relative_to(folder).as_posix()} |" in said


def test_no_file_is_large():
    large = [path for path in _tracked() if path.stat().st_size > 2_000_000]
    assert not large


@pytest.mark.parametrize("file", ["Makefile", ".ci/run", ".ci/bootstrap_uv.py", ".pre-commit-config.yaml", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_what_a_contributor_looks_for_is_there(file):
    assert (ROOT / file).is_file()


def test_the_readme_names_every_command_and_the_two_ways_in():
    readme = (ROOT / "README.md").read_text()
    assert "make demo" in readme
    assert "make test" in readme
    missing = [command for command in COMMANDS if f"redmobile {command}" not in readme]
    assert not missing


@pytest.mark.parametrize("document", ["README.md", "CONTRIBUTING.md", "CHANGELOG.md"])
def test_every_link_into_the_repository_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / document).read_text())
    assert not [link for link in links if not (ROOT / link).exists()]


def test_the_bootstrap_runs_with_nothing_but_the_standard_library():
    imported = re.findall(r"^(?:import|from) (\w+)", (ROOT / ".ci" / "bootstrap_uv.py").read_text(), re.MULTILINE)
    assert imported
    assert set(imported) <= set(sys.stdlib_module_names)
