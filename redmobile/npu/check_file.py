"""Will this .tflite run on that NPU? The whole check of one file: rules, compiler, partitions, islands, memory, advice."""

from __future__ import annotations

import collections
import dataclasses
from pathlib import Path
from typing import Any

from redmobile.core.artifact import read_bytes, sha256_bytes
from redmobile.core.environment import describe
from redmobile.errors import DeviceError
from redmobile.graph.liveness import Peak, peak_activations
from redmobile.graph.partitions import count_partitions
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_read import read_tflite
from redmobile.npu.advice import advise
from redmobile.npu.islands import float_islands
from redmobile.npu.rules import Finding, RuleTable, Verdict, judge, load_rules
from redmobile.npu.vela import Estimate, Settings, compile_with_vela, is_installed, sram_remark
from redmobile.runtimes.base import open_runtime
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime

FORMAT = "redmobile.npu/1"


@dataclasses.dataclass(frozen=True)
class NpuReport:
    """What becomes of a file on a target.

    unit: what takes operators; inputs: as text; findings: one an operator; partitions: pieces that the unit runs, if it takes what is unknown;
    macs: verdict → sum; islands: float islands, by names of outputs; peak: of activation memory; estimate: Vela's, where it ran; remarks:
    on what this rests.
    """

    file: str
    sha256: str
    target: str
    says: str
    unit: str
    inputs: tuple[str, ...]
    findings: tuple[Finding, ...]
    partitions: int
    macs: dict[Verdict, int]
    islands: tuple[tuple[str, ...], ...]
    peak: Peak
    advice: tuple[str, ...]
    estimate: Estimate | None
    remarks: tuple[str, ...]

    @property
    def counts(self) -> dict[Verdict, int]:
        """Verdict → how many operators."""
        return dict(collections.Counter(finding.verdict for finding in self.findings))

    @property
    def fallbacks(self) -> tuple[Finding, ...]:
        """The operators that fall back."""
        return tuple(finding for finding in self.findings if finding.verdict == "falls back")

    @property
    def passed(self) -> bool:
        """No operator falls back, nor does one that a compiler made, and there is no float island. What is unknown does not fail a file."""
        return not self.fallbacks and not self.islands and not (self.estimate and self.estimate.cpu)

    def as_json(self) -> dict[str, Any]:
        """Plain dicts and lists, with machine, date and versions."""
        return {"format": FORMAT, **dataclasses.asdict(self), "counts": self.counts, "passed": self.passed, "environment": describe()}


def check_file(path: Path, target: str, settings: Settings | None = None, *, compiles: bool = True) -> NpuReport:
    """Check the .tflite at `path` for `target`.

    settings: how Vela is run, for targets that it compiles for. compiles: ask the compiler where it is installed, else the rules alone decide.
    Raises InputError (no such file or target), UnsupportedModelError (what read_tflite refuses), DocumentError, ToolError, OutputError.
    """
    table = load_rules(target)
    data = read_bytes(path)
    model = read_tflite(data, str(path))
    findings = [judge(table, operator, position) for position, operator in enumerate(model.operators)]
    findings, estimate, remarks = _asked(path, data, model, table, settings if compiles else None, findings, compiles=compiles)
    partitions = count_partitions(model, [finding.verdict != "falls back" for finding in findings])
    islands, peak = float_islands(model), peak_activations(model)
    return NpuReport(
        file=str(path),
        sha256=sha256_bytes(data),
        target=target,
        says=table.says,
        unit=table.unit,
        inputs=tuple(_port(model)),
        findings=tuple(findings),
        partitions=partitions,
        macs=_macs(findings),
        islands=tuple(islands),
        peak=peak,
        advice=tuple(advise(model, findings, islands, partitions, peak)),
        estimate=estimate,
        remarks=tuple(remarks),
    )


def _asked(
    path: Path, data: bytes, model: TfliteModel, table: RuleTable, settings: Settings | None, findings: list[Finding], *, compiles: bool
) -> tuple[list[Finding], Estimate | None, list[str]]:
    """The findings after the compiler's answer, its estimate, and a remark on who decided."""
    if table.compiler == "litert" and compiles:
        return _asked_litert(path, findings)
    if table.compiler == "vela" and settings is not None:
        if not is_installed():
            return findings, None, ["Vela is not installed: only the rules were checked (pip install 'redmobile[npu]')."]
        estimate = compile_with_vela(data, settings, path.stem)
        return _with_vela(model, findings, estimate), estimate, _remarks_on(estimate)
    return findings, None, ["Only the rules were checked; no compiler of this target was asked."]


def _asked_litert(path: Path, findings: list[Finding]) -> tuple[list[Finding], None, list[str]]:
    runtime = open_runtime(path, "litert")
    if not isinstance(runtime, InterpreterRuntime):
        raise DeviceError("litert: this runtime does not tell what XNNPACK takes.")
    inside = runtime.delegate_coverage().positions
    decided = [_overruled(finding, runtime.name, taken=finding.position in inside) for finding in findings]
    return decided, None, [f"Decided by {runtime.name} on this machine."]


def _remarks_on(estimate: Estimate) -> list[str]:
    remarks = [f"Decided by Vela {estimate.vela}; its cycles and frames a second are estimates, none was measured."]
    remark = sram_remark(estimate.sram_bytes)
    return [*remarks, f"{remark}, e.g. --memory-mode Dedicated_Sram_512KB (Ethos-U65, U85)."] if remark else remarks


def _with_vela(model: TfliteModel, findings: list[Finding], estimate: Estimate) -> list[Finding]:
    """Vela names an operator by one of its outputs."""
    left = {operator.name: operator.reason for operator in estimate.cpu}
    decided = []
    for finding, operator in zip(findings, model.operators, strict=True):
        reason = next((left[tensor.name] for tensor in operator.outputs if tensor.name in left), None)
        decided.append(_overruled(finding, f"Vela {estimate.vela}", taken=reason is None, reason=reason or ""))
    return decided


def _overruled(finding: Finding, judge_name: str, *, taken: bool, reason: str = "") -> Finding:
    """The finding with the compiler's verdict; where the rules foresaw it, with their sentence."""
    if taken:
        return dataclasses.replace(finding, verdict="delegated", says="", rule="", advice="")
    if finding.verdict == "falls back":
        return finding
    return dataclasses.replace(finding, verdict="falls back", says=f"{judge_name} leaves {finding.op} to the CPU{f' ({reason})' if reason else ''}.")


def _macs(findings: list[Finding]) -> dict[Verdict, int]:
    sums: collections.Counter[Verdict] = collections.Counter()
    for finding in findings:
        sums[finding.verdict] += finding.macs
    return dict(sums)


def _port(model: TfliteModel) -> list[str]:
    return [f"{tensor.name}: {'×'.join(map(str, tensor.shape))} {tensor.dtype}" for tensor in model.inputs]
