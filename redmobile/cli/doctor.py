"""`redmobile doctor`."""

from __future__ import annotations

import contextlib
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, table
from redmobile.errors import DeviceError

if TYPE_CHECKING:
    from redmobile.core.installation import Installation

_STYLES = {"ok": "green", "missing": "yellow", "too old": "bold red", "broken": "bold red"}


@click.command(
    epilog="""\b
Examples:
  redmobile doctor
  redmobile doctor --json

\b
Exit code 7: something that the base needs is missing, too old or broken. What only an extra needs may be missing.
"""
)
@json_option
def command(as_json: bool) -> None:
    """Tell what is installed, what is missing for which command, and the line that installs it.

    A package that is there but cannot be imported (built for another numpy, a missing library) is told apart from a missing one.
    """
    from redmobile.core.installation import inspect_installation
    from redmobile.emulator.tools import install_line, missing_packages

    with ERR.status("importing each package once …") if ERR.is_terminal else contextlib.nullcontext():
        found = inspect_installation()
    lacking = missing_packages()
    if as_json:
        emulator = {"missing_packages": list(lacking), "install": install_line(lacking) if lacking else ""}
        print_json(found.as_json() | {"kernels": _kernels(), "emulator": emulator})
    else:
        _print(found)
        OUT.print(f"Emulated ARM: {install_line(lacking) if lacking else 'redmobile emulator status tells more'}", markup=False)
    if found.faults:
        raise DeviceError(f"The base is not complete: {'; '.join(found.faults)}.")


def _print(found: Installation) -> None:
    where = found.environment
    OUT.print(f"Python {where['python']}, {where['system']} {where['machine']}, {where['cores']} cores ({where['cpu']})", markup=False)
    packages = table("Packages", "package", "version", "state", "needed for")
    for package in found.packages:
        name = package.requirement.package if package.requirement.base else f"  {package.requirement.package}"
        packages.add_row(name, package.version or "-", f"[{_STYLES[package.state]}]{package.state}[/]", package.requirement.needed_for)
    OUT.print(packages)
    for package in found.packages:
        if package.state != "ok":
            problem = f"{package.problem}. " if package.state != "missing" else ""
            OUT.print(f"{package.requirement.package} ({package.state}): {problem}{package.requirement.install_line()}", markup=False)
    programs = table("Programs", "program", "where", "needed for")
    for program in found.programs:
        programs.add_row(program.program.name, program.path or "[yellow]missing[/]", program.program.needed_for)
    if found.programs:
        OUT.print(programs)
    for program in found.programs:
        if program.path is None:
            OUT.print(f"{program.program.name} (missing): {program.program.install}", markup=False)
    OUT.print(f"Runtimes: {', '.join(name for name, works in found.runtimes.items() if works) or 'none'}", markup=False)
    OUT.print(f"Kernels (--delegate redmobile): {_kernels()}", markup=False)
    for shelf in found.shelves:
        OUT.print(f"{shelf.shelf}: {', '.join(shelf.names) or 'none'} ({', '.join(shelf.folders) or 'no folder found'})", markup=False)
    for model in found.models:
        missing = f"; missing: {', '.join(model.missing)}" if model.missing else "; complete"
        differing = f"; not as numerics.json says: {', '.join(model.differing)}" if model.differing else ""
        OUT.print(f"{model.name}: {', '.join(model.present)}{missing}{differing}", markup=False)


def _kernels() -> str:
    from redmobile.kernels.library import find_library, missing_tools

    found = find_library()
    if found is not None:
        return str(found)
    missing = missing_tools()
    if missing:
        return f"not built; building them (redmobile kernels build) needs {' and '.join(missing)}"
    return "not built: redmobile kernels build"
