"""The page: one file, with nothing to fetch."""

from __future__ import annotations

import base64
import hashlib
from importlib import resources

import jinja2
from markupsafe import Markup

from redmobile.core.environment import version_of
from redmobile.report.compare import across
from redmobile.report.figures import percent
from redmobile.report.view import Report

_FOLDER = "page"
_MARKS = {"good": "✓", "bad": "✕", "doubtful": "!", "none": "–"}


def to_html(report: Report) -> str:
    """The page as HTML. It holds its style, its script and its pictures, and asks no network for anything."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("redmobile.report", _FOLDER),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
        undefined=jinja2.StrictUndefined,
    )
    environment.filters["percent"] = percent
    script = _text("page.js")
    return environment.get_template("page.html").render(
        report=report,
        across=across(report),
        marks=_MARKS,
        style=Markup(_text("page.css")),  # noqa: S704 - our own file
        script=Markup(script),  # noqa: S704 - our own file
        script_hash=f"sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}",
        version=version_of("redmobile") or "",
    )


def _text(name: str) -> str:
    return resources.files("redmobile.report").joinpath(_FOLDER, name).read_text(encoding="utf-8")
