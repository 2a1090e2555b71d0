"""`redmobile ablate`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, progress, table
from redmobile.errors import MissingExtraError, UsageError

if TYPE_CHECKING:
    from redmobile.release.ablation import Ablation, Candidate

_PATH = click.Path(path_type=Path)


@click.command(
    epilog="""\b
Examples:
  redmobile ablate models/red_mobile/ablation.toml --photos photos/ --out runs/ablation
  redmobile ablate models/red_mobile/ablation.toml --photos photos/ --out runs/ablation --only "no gain"    one of them, beside the first
  redmobile ablate mine.toml --photos photos/ --pairs lol/ --hold-out 500-549 --out runs/mine --cost host --cost qemu:cortex-a76

\b
What was trained is not trained again, what was begun goes on: to resume, give the same command. Left in OUT: ablation.json, and a folder
for each training. Differences are to the first variant, seed by seed; a difference smaller than its spread over the seeds says little.
"""
)
@click.argument("document", type=_PATH)
@click.option("--photos", type=_PATH, help="Folder of clean photographs, degraded on the fly. Every tenth is held out.")
@click.option("--pairs", type=_PATH, help="Folder with low/ and high/, same names.")
@click.option("--hold-out", metavar="FIRST-LAST", help="Pairs with these numbers in their names validate.  [default: the last tenth by name]")
@click.option("--out", type=_PATH, required=True, metavar="DIR", help="Folder of the trainings and of ablation.json.")
@click.option("--only", multiple=True, metavar="NAME", help="Only this variant, beside the first; may be given again.")
@click.option(
    "--cost", "targets", multiple=True, metavar="TARGET", help="What each costs as an INT8 file: host, qemu:cortex-a76, ethos-u65-512; again."
)
@click.option("--runs", type=click.IntRange(1), default=40, show_default=True, help="Of each file on this machine, by turns; with --cost host.")
@click.option("--threads", type=click.IntRange(1), help="CPU threads. Default: all cores.")
@click.option("--markdown", type=_PATH, help="Write the table (.md).")
@json_option
def command(
    document: Path,
    photos: Path | None,
    pairs: Path | None,
    hold_out: str | None,
    out: Path,
    only: tuple[str, ...],
    targets: tuple[str, ...],
    runs: int,
    threads: int | None,
    markdown: Path | None,
    as_json: bool,
) -> None:
    """Train the variants in DOCUMENT, a TOML, by one short recipe, and compare them: quality, parameters, multiply-accumulates, costs."""
    if not (photos or pairs):
        raise UsageError("Nothing to learn from: give --photos DIR, --pairs DIR or both.")
    try:
        from redmobile.release.ablation import ablate, add_costs, base_plan, load_ablation, to_builtins
    except ModuleNotFoundError as error:
        raise MissingExtraError("torch", "torch", "redmobile ablate") from error
    from redmobile.core.artifact import write_text
    from redmobile.train.pictures import load_pictures
    from redmobile.train.threads import use_threads

    if threads:
        use_threads(threads)
    asked, candidates = load_ablation(document)
    candidates = _chosen(candidates, only)
    ERR.print(f"{len(candidates)} variants, {len(asked.seeds)} trainings each; reading pictures …") if ERR.is_terminal else None
    pictures = load_pictures(base_plan(asked), photos, pairs, hold_out)
    says = " and ".join(str(folder) for folder in (photos, pairs) if folder) + (f", pairs {hold_out} held out" if hold_out else "")
    with progress() as bar:
        task = bar.add_task("training", total=None, note="")

        def show(what: str, done: int, total: int, note: str) -> None:
            bar.update(task, description=what, completed=done, total=total, note=note)

        found = ablate(asked, candidates, pictures, says, out, show)
        if targets:
            found = add_costs(found, candidates, out, photos or Path(str(pairs)) / "low", targets, runs, show)
    if markdown:
        write_text(markdown, _markdown(found))
    if as_json:
        print_json(to_builtins(found))
    else:
        _print(found)


def _chosen(candidates: list[Candidate], only: tuple[str, ...]) -> list[Candidate]:
    known = [candidate.variant.name for candidate in candidates]
    if unknown := [name for name in only if name not in known]:
        raise UsageError(f"--only {unknown[0]}: no such variant. Known: {', '.join(known)}.")
    return [candidate for place, candidate in enumerate(candidates) if not only or not place or candidate.variant.name in only]


def _rows(found: Ablation) -> tuple[list[str], list[list[str]]]:
    """Header and cells of the table; '>' marks a column that is right-aligned."""
    targets = [cost.target for cost in next(iter(found.costs.values()), ())]
    header = ["variant", ">parameters", ">GMAC", ">PSNR dB", ">to the first dB", ">SSIM", *(f">{target}" for target in targets)]
    rows = []
    for place, row in enumerate(found.rows):
        difference = f"{row.difference_db:+.2f}" + (f" ± {row.spread_db / 2:.2f}" if len(row.runs) > 1 else "")
        cells = [row.name, f"{row.parameters:,}", f"{row.macs / 1e9:.2f}", f"{row.psnr_db:.2f}", difference if place else "", f"{row.ssim:.3f}"]
        rows.append([*cells, *(f"{cost.value:,.1f} (× {cost.ratio:.2f})" for cost in found.costs.get(row.name, ()))])
    return header, rows


def _notes(found: Ablation) -> list[str]:
    seeds = len(found.rows[0].runs)
    lines = [f"{found.pictures}: {found.validation} pictures validate; as they come: {found.input_psnr_db:.2f} dB, SSIM {found.input_ssim:.3f}."]
    if seeds > 1:
        lines.append(f"Means of {seeds} trainings; ±: half the range of the difference over the seeds.")
    lines += [f"{cost.target}: {cost.measures}." for cost in next(iter(found.costs.values()), ())]
    lines += [f"{name} on {cost.target}: {remark}." for name, costs in found.costs.items() for cost in costs for remark in cost.remarks]
    return lines


def _print(found: Ablation) -> None:
    header, rows = _rows(found)
    shown = table(found.says, *header)
    for row in rows:
        shown.add_row(*row)
    OUT.print(shown)
    for line in _notes(found):
        OUT.print(line, markup=False, style="dim")


def _markdown(found: Ablation) -> str:
    header, rows = _rows(found)
    lines = [" | ".join(name.removeprefix(">") for name in header), " | ".join("---:" if name.startswith(">") else "---" for name in header)]
    lines += [" | ".join(row) for row in rows]
    return "\n".join([*(f"| {line} |" for line in lines), "", *(f"{line}  " for line in _notes(found))]) + "\n"
