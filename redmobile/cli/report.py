"""`redmobile report`."""

from __future__ import annotations

from pathlib import Path

import click

from redmobile.cli.console import ERR, json_option, print_json

_FILE = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  redmobile report result.json --out report.html
  redmobile report host.json phone.json ethos_u65.json parity.json --out report.html
  redmobile report npu.json quality.json out/peers/result.json --out report.html
  redmobile report out/*.json --markdown - | gh pr comment --body-file -
  redmobile report result.json parity.json --junit report.xml

\b
The page holds everything it needs and asks no network for anything. Figures that were not measured (Vela's estimates, bounds from
an emulator's counts) are marked as such. Exit code 3: a document of another kind, or with something missing; the message says where.
"""
)
@click.argument("results", nargs=-1, required=True, type=_FILE, metavar="RESULT.json...")
@click.option("--out", type=_FILE, help="Write the page (.html).  [default: report.html, where nothing else is asked for]")
@click.option("--markdown", type=click.Path(path_type=Path, allow_dash=True), help="Write Markdown for a pull request; - is stdout.")
@click.option("--junit", type=_FILE, help="Write verdicts and gates as JUnit XML.")
@click.option("--title", default="", help="Heading.  [default: the models' names]")
@json_option
def command(results: tuple[Path, ...], out: Path | None, markdown: Path | None, junit: Path | None, title: str, *, as_json: bool) -> None:
    """Make a page of RESULTS, the JSON that `redmobile bench`, `parity`, `npu` and `evaluate` leave with --out.

    Verdict first; then distribution, timeline, percentiles, stages, operators, delegate coverage, memory, heat, the worst picture to slide
    over, several devices or models side by side, and what everything was made with. `redmobile parity --sheet` puts pictures into the JSON.
    """
    from redmobile.core.artifact import write_bytes, write_text
    from redmobile.report.read import read_report

    report = read_report(results, title)
    if out is None and markdown is None and junit is None and not as_json:
        out = Path("report.html")
    if out is not None:
        from redmobile.report.html import to_html

        write_text(out, to_html(report))
        ERR.print(f"{out}: written.", markup=False)
    if markdown is not None:
        from redmobile.report.markdown import to_markdown

        _write_or_print(markdown, to_markdown(report))
    if junit is not None:
        from redmobile.report.junit import to_junit

        write_bytes(junit, to_junit(report))
        ERR.print(f"{junit}: written.", markup=False)
    if as_json:
        from redmobile.report.summary import to_builtins

        print_json(to_builtins(report))


def _write_or_print(path: Path, text: str) -> None:
    from redmobile.core.artifact import write_text

    if str(path) == "-":
        click.echo(text, nl=False)
        return
    write_text(path, text)
    ERR.print(f"{path}: written.", markup=False)
