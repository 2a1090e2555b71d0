"""`redmobile npu`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from redmobile.cli.console import ERR, OUT, json_option, print_json, table
from redmobile.errors import NpuFallbackError, UsageError

if TYPE_CHECKING:
    from redmobile.npu.check_file import NpuReport
    from redmobile.npu.vela import Estimate, Settings

_NAMED = 5
"""How many operators an error names."""

_PLURAL = {"delegated": "delegated", "falls back": "fall back", "unknown": "unknown"}
_STYLES = {"delegated": "", "falls back": "bold red", "unknown": "yellow"}


@click.command(
    epilog="""\b
Examples:
  redmobile npu red_mobile_int8.tflite --for ethos_u65
  redmobile npu my.tflite --for qualcomm_htp --out npu.json --allow-fallback     then: redmobile report npu.json
  redmobile npu my.tflite --for ethos_u55 --config ethos-u55-128 --keep vela/ --json
  redmobile npu my.tflite --for qualcomm_htp --allow-fallback
  redmobile npu --for xnnpack                               what the target takes, rule by rule
  redmobile npu --probe ethos_u85 --write                   ask the installed compiler anew, rewrite the table

\b
Exit code 9: operators fall back, or float islands lie in an integer graph, and --allow-fallback was not given. With --probe: the
installed compiler says something else than the table, and --write was not given.
"""
)
@click.argument("file", required=False, type=click.Path(path_type=Path))
@click.option("--for", "target", metavar="TARGET", help="xnnpack, ethos_u55, ethos_u65, ethos_u85, qualcomm_htp, mediatek_apu, …")
@click.option("--config", help="Ethos-U: the accelerator, e.g. ethos-u65-512.  [default: ethos-u55-256, ethos-u65-512, ethos-u85-512]")
@click.option("--system-config", help="Ethos-U: a section of Vela's configuration file.  [default: by the accelerator]")
@click.option("--memory-mode", help="Ethos-U: Vela's memory mode, e.g. Dedicated_Sram_512KB.  [default: by the accelerator]")
@click.option("--timeout", type=click.FloatRange(min=0.1), default=300.0, show_default=True, help="Seconds that Vela may take.")
@click.option("--memory", type=click.FloatRange(min=0.1), default=8.0, show_default=True, help="GiB of memory that Vela may take.")
@click.option("--keep", type=click.Path(path_type=Path), help="A folder for Vela's files and log.")
@click.option("--out", type=click.Path(path_type=Path), help="Write the whole result as JSON.")
@click.option("--rules-only", is_flag=True, help="Do not ask the compiler, even where it is installed.")
@click.option("--allow-fallback", is_flag=True, help="End with 0 all the same.")
@click.option("--probe", metavar="TARGET", help="Compile one-operator models with the installed LiteRT or Vela, compare with the table.")
@click.option("--write", is_flag=True, help="With --probe: rewrite the table.")
@json_option
def command(file: Path | None, target: str | None, probe: str | None, write: bool, as_json: bool, allow_fallback: bool, **options: Any) -> None:
    """Tell what TARGET makes of FILE, anybody's .tflite: which operators it takes, and why not the others.

    Partitions, multiply-accumulates on each unit, float islands, peak activation memory, advice; for Ethos-U, Vela's estimate.
    """
    if probe is not None:
        _probe(probe, write, as_json)
    elif target is None:
        raise UsageError("Say which NPU is meant: --for TARGET (or --probe TARGET). `redmobile npu --help` shows examples.")
    elif file is None:
        _explain(target, as_json)
    else:
        _check(file, target, as_json, allow_fallback, options)


def _check(file: Path, target: str, as_json: bool, allow_fallback: bool, options: dict[str, Any]) -> None:
    from redmobile.core.results import write_json
    from redmobile.npu.check_file import check_file

    report = check_file(file, target, _settings(target, options), compiles=not options["rules_only"])
    if options["out"]:
        write_json(options["out"], report.as_json())
    if as_json:
        print_json(report.as_json())
    else:
        _print(report)
    if not report.passed and not allow_fallback:
        raise NpuFallbackError(f"{file}: {_verdict(report)}")


def _settings(target: str, options: dict[str, Any]) -> Settings | None:
    from redmobile.npu.vela import CONFIGS, settings_for

    if target not in CONFIGS:
        for_vela = [f"--{name.replace('_', '-')}" for name in ("config", "system_config", "memory_mode", "keep") if options[name] is not None]
        if for_vela:
            raise UsageError(f"{', '.join(for_vela)}: only for {', '.join(CONFIGS)}, not for {target}.")
        return None
    return settings_for(
        target,
        options["config"],
        options["system_config"],
        options["memory_mode"],
        timeout_s=options["timeout"],
        memory_bytes=round(options["memory"] * 2**30),
        keep=options["keep"],
    )


def _verdict(report: NpuReport) -> str:
    parts = []
    if report.fallbacks:
        named = ", ".join(f"{finding.op} '{finding.name}'" for finding in report.fallbacks[:_NAMED])
        more = f" and {len(report.fallbacks) - _NAMED} more" if len(report.fallbacks) > _NAMED else ""
        parts.append(f"{len(report.fallbacks)} of {len(report.findings)} operators fall back from {report.target}: {named}{more}")
    elif report.estimate is not None and report.estimate.cpu:
        parts.append(f"Vela leaves {len(report.estimate.cpu)} operators to the CPU, the first '{report.estimate.cpu[0].name}'")
    if report.islands:
        parts.append(f"{len(report.islands)} float islands, the first at '{report.islands[0][0]}'")
    return f"{'; '.join(parts)}. Expected none; allow them with --allow-fallback."


def _print(report: NpuReport) -> None:
    OUT.print(f"{report.file} on {report.target}: {'; '.join(report.inputs)}", markup=False)
    OUT.print(report.says, markup=False, style="dim")
    shown = table("Operators", "operator", ">count", ">MMAC", "verdict", "why")
    for (kind, verdict, says), (count, macs) in _grouped(report).items():
        shown.add_row(kind, str(count), f"{macs / 1e6:,.1f}" if macs else "", verdict, says, style=_STYLES[verdict])
    OUT.print(shown)
    counts = ", ".join(f"{count} {_PLURAL[verdict]}" for verdict, count in report.counts.items())
    OUT.print(f"{len(report.findings)} operators: {counts}; {_count(report.partitions, 'partition')} on {report.unit}", markup=False)
    shares = ", ".join(f"{macs / 1e6:,.1f} M {_PLURAL[verdict]}" for verdict, macs in report.macs.items())
    OUT.print(f"Multiply-accumulates: {shares}", markup=False)
    OUT.print(f"Peak of activations: {report.peak.bytes / 1e6:,.2f} MB at '{report.peak.operator}'", markup=False)
    for island in report.islands:
        OUT.print(f"Float island: {', '.join(island)}", markup=False, style="bold red")
    if report.estimate is not None:
        _print_estimate(report.estimate)
    for sentence in report.advice:
        OUT.print(f"Advice: {sentence}", markup=False)
    for remark in report.remarks:
        OUT.print(remark, markup=False, style="dim")


def _grouped(report: NpuReport) -> dict[tuple[str, str, str], tuple[int, int]]:
    """Operators of one kind with one verdict and reason are one row."""
    rows: dict[tuple[str, str, str], tuple[int, int]] = {}
    for finding in report.findings:
        key = (finding.op, finding.verdict, finding.says or " ".join(finding.costs))
        count, macs = rows.get(key, (0, 0))
        rows[key] = (count + 1, macs + finding.macs)
    return rows


def _print_estimate(estimate: Estimate) -> None:
    where = f"{estimate.config}, {estimate.system}, {estimate.memory_mode}, {estimate.clock_hz / 1e6:,.0f} MHz"
    OUT.print(f"Vela's estimate for {where}:", markup=False)
    OUT.print(
        f"  {estimate.frames_per_second:.1f} frames a second, {estimate.cycles:,} cycles, {len(estimate.cpu)} operators on the CPU (not in the time)",
        markup=False,
    )
    memory = (("SRAM", estimate.sram_bytes), ("DRAM", estimate.dram_bytes), ("flash", estimate.flash_bytes))
    used = ", ".join(f"{size / 1e6:,.2f} MB {name}" for name, size in memory if size)
    traffic = f"{estimate.sram_traffic_bytes / 1e6:,.1f} MB through SRAM, {estimate.dram_traffic_bytes / 1e6:,.1f} MB through DRAM a frame"
    OUT.print(f"  memory: {used or 'none'}; {traffic}", markup=False)
    total = sum(estimate.cycles_by_operator.values())
    shares = ", ".join(f"{kind} {cycles / total:.0%}" for kind, cycles in list(estimate.cycles_by_operator.items())[:_NAMED])
    if shares:
        OUT.print(f"  cycles by operator: {shares}", markup=False)


def _explain(target: str, as_json: bool) -> None:
    import msgspec

    from redmobile.npu.rules import load_rules

    rules = load_rules(target)
    if as_json:
        print_json(msgspec.to_builtins(rules))
        return
    OUT.print(rules.says, markup=False)
    shown = table(f"Rules of {target}", "id", "operators", "says", "source")
    for rule in rules.rule:
        shown.add_row(rule.id, ", ".join(rule.ops).replace("*", "all"), rule.sentence(rule.named), rule.source)
    OUT.print(shown)
    if rules.probed is not None:
        left = ", ".join(f"{case.name} ({case.dtype})" for case in rules.probed.case if not case.taken)
        OUT.print(f"Probed with {rules.probed.tool} {rules.probed.version} on {rules.probed.date}; left: {left or 'nothing'}", markup=False)


def _probe(target: str, write: bool, as_json: bool) -> None:
    from redmobile.npu.probe import differences, probe, write_probed
    from redmobile.npu.rules import load_rules

    found = probe(target)
    changes = differences(found, load_rules(target).probed)
    path = write_probed(target, found) if write else None
    if as_json:
        taken = sum(case.taken for case in found.case)
        print_json({"target": target, "tool": found.tool, "version": found.version, "cases": len(found.case), "taken": taken, "changes": changes})
    else:
        for change in changes:
            OUT.print(change, markup=False)
        OUT.print(f"{target}: {len(found.case)} cases with {found.tool} {found.version}; {_count(len(changes), 'change')}", markup=False)
    if path is not None:
        ERR.print(f"{path}: written.", markup=False)
    elif changes:
        raise NpuFallbackError(f"{target}: the table is out of date in {_count(len(changes), 'place')}. Rewrite it with --write.")


def _count(number: int, thing: str) -> str:
    return f"{number} {thing}{'' if number == 1 else 's'}"
