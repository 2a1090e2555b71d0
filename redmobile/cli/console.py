"""Where words go: results to stdout, progress and remarks to stderr, quiet when stderr is not a terminal."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.table import Table

from redmobile.core.results import to_json

F = TypeVar("F", bound=Callable[..., Any])

_WIDE = 200
"""Columns of a table that goes into a file or a pipe: nothing is cut off there."""

OUT = Console(soft_wrap=True, highlight=False, width=None if sys.stdout.isatty() else _WIDE)
"""Results."""

ERR = Console(stderr=True, soft_wrap=True, highlight=False)
"""Words and progress."""


def json_option(function: F) -> F:
    """The option --json, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help="Print the result as JSON on stdout.")(function)


def progress(*, quiet: bool = False) -> Progress:
    """A progress bar with counts, elapsed time and ETA on stderr; silent when that is not a terminal, or if `quiet`."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TextColumn("ETA"),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    return Progress(*columns, console=ERR, disable=quiet or not ERR.is_terminal, transient=True)


def print_json(value: Any) -> None:
    """`value` as JSON on stdout."""
    click.echo(to_json(value))


def table(title: str, *columns: str) -> Table:
    """An empty table; columns whose name starts with '>' are right-aligned. Text folds where a terminal is too narrow; figures never do."""
    made = Table(title=title, title_justify="left", title_style="bold", header_style="bold")
    for column in columns:
        right = column.startswith(">")
        made.add_column(column.removeprefix(">"), justify="right" if right else "left", no_wrap=right, overflow="fold")
    return made
