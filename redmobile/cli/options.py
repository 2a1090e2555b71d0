"""Options that several commands share."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from redmobile.runtimes.base import Delegate

F = TypeVar("F", bound=Callable[..., Any])


class Size(click.ParamType[tuple[int, int]]):
    """HEIGHTxWIDTH in pixels, e.g. 1088x1920, as a pair (height, width)."""

    name = "HEIGHTxWIDTH"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Parse, or fail with what was expected."""
        match = re.fullmatch(r"(\d+)[x×](\d+)", str(value))
        if not match:
            self.fail(f"'{value}' is no size; expected HEIGHTxWIDTH, e.g. 1088x1920.", param, ctx)
        return int(match[1]), int(match[2])


class Numbers(click.ParamType[tuple[float, ...]]):
    """Numbers between commas, e.g. 0.485,0.456,0.406, as a tuple."""

    name = "R,G,B"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Parse, or fail with what was expected."""
        if isinstance(value, tuple):
            return value
        try:
            return tuple(float(part) for part in str(value).split(","))
        except ValueError:
            self.fail(f"'{value}' are no numbers between commas; expected e.g. 0.485,0.456,0.406.", param, ctx)


def delegate_options(function: F) -> F:
    """The options --delegate and --delegate-option; `delegate_of` makes one thing of them."""
    name = click.option(
        "--delegate", metavar="NAME", help="What the engine hands the graph to: redmobile (see `redmobile kernels`), or a library (.so)."
    )
    pair = click.option("--delegate-option", "delegate_options", multiple=True, callback=pairs, metavar="KEY=VALUE", help="For the delegate; again.")
    return name(pair(function))


def delegate_of(name: str | None, options: dict[str, str]) -> Delegate | None:
    """The delegate that was asked for. Raises UsageError for options without a delegate."""
    from redmobile.errors import UsageError
    from redmobile.runtimes.base import Delegate

    if name is None and options:
        raise UsageError("--delegate-option: goes with --delegate.")
    return None if name is None else Delegate(name, options)


def size_option(function: F) -> F:
    """The option --size."""
    return click.option("--size", type=Size(), help="Size of the picture. Default: that of model.toml.")(function)


def pairs(_: click.Context, param: click.Parameter, given: tuple[str, ...]) -> dict[str, str]:
    """A callback for options that take KEY=VALUE several times: key → value."""
    found = {}
    for word in given:
        key, sign, value = word.partition("=")
        if not (key and sign):
            raise click.BadParameter(f"'{word}' is no pair; expected KEY=VALUE.", param=param)
        if key in found:
            raise click.BadParameter(f"'{key}' is given twice.", param=param)
        found[key] = value
    return found
