"""Ask the installed compilers what they take, and keep the answer in the rule table.

XNNPACK is asked case by case through LiteRT, Vela with all cases in one file.
"""

from __future__ import annotations

import datetime as dt
import json
import re
import tempfile
from collections.abc import Callable
from pathlib import Path

from redmobile.core.artifact import write_text
from redmobile.core.environment import version_of
from redmobile.errors import DeviceError, InputError, UsageError
from redmobile.graph.tflite_model import TfliteModel
from redmobile.graph.tflite_write import write_tflite
from redmobile.npu.probe_models import CASES, Dtype, ProbeBuild
from redmobile.npu.rules import Case, Probed, find_rules, load_rules
from redmobile.npu.vela import PACKAGE, compile_with_vela, settings_for, supported_operators
from redmobile.runtimes.base import open_runtime
from redmobile.runtimes.tflite_interpreter import InterpreterRuntime

MARK = "# Below this line: written by `redmobile npu --probe"
"""How the line begins behind which a table is rewritten."""

PROBED_TARGETS = ("xnnpack", "ethos_u55", "ethos_u65", "ethos_u85")

_SECTIONS = {"ethos_u55": "Ethos-U55 and Ethos-U65", "ethos_u65": "Ethos-U55 and Ethos-U65", "ethos_u85": "Ethos-U85"}
"""Target → how its table is headed in Vela's report."""


def probe(target: str) -> Probed:
    """What the installed compiler of `target` takes. Raises UsageError (nothing to ask), MissingExtraError, ToolError, DeviceError."""
    if target not in PROBED_TARGETS:
        raise UsageError(f"'{target}' cannot be probed: its compiler is not public. Can be probed: {', '.join(PROBED_TARGETS)}.")
    return _probe_xnnpack() if target == "xnnpack" else _probe_vela(target)


def is_same(found: Probed, recorded: Probed | None) -> bool:
    """Whether a probe says what was recorded, whatever the date."""
    return recorded is not None and (found.tool, found.version, found.takes, found.case) == (
        recorded.tool,
        recorded.version,
        recorded.takes,
        recorded.case,
    )


def differences(found: Probed, recorded: Probed | None) -> list[str]:
    """What has changed since the record, one line each."""
    if recorded is None:
        return ["nothing was recorded"]
    lines = [] if found.version == recorded.version else [f"{found.tool}: {recorded.version} is recorded, {found.version} is installed"]
    old = {(case.name, case.dtype): case.taken for case in recorded.case}
    new = {(case.name, case.dtype): case.taken for case in found.case}
    for name, dtype in sorted(old.keys() | new.keys()):
        before, after = (_word(answers.get((name, dtype))) for answers in (old, new))
        if before != after:
            lines.append(f"{name} ({dtype}): {before} before, {after} now")
    gained, lost = sorted(set(found.takes) - set(recorded.takes)), sorted(set(recorded.takes) - set(found.takes))
    return lines + [f"{kind}: newly listed" for kind in gained] + [f"{kind}: no longer listed" for kind in lost]


def write_probed(target: str, found: Probed) -> Path:
    """Rewrite the probed part of the target's table; the same answer leaves the same bytes, date and all. Raises OutputError."""
    path = find_rules(target)
    recorded = load_rules(target).probed
    kept = found if not (is_same(found, recorded) and recorded) else recorded
    by_hand = path.read_text().partition(MARK)[0].rstrip("\n")
    write_text(path, f"{by_hand}\n\n{MARK} {target} --write`.\n{to_toml(kept)}")
    return path


def to_toml(probed: Probed) -> str:
    """The table [probed] as text."""
    lines = ["[probed]", *(f"{key} = {json.dumps(getattr(probed, key))}" for key in ("tool", "version", "date"))]
    if probed.takes:
        lines += ["takes = [", *(f"    {json.dumps(kind)}," for kind in probed.takes), "]"]
    for case in probed.case:
        values = (f"{key} = {json.dumps(getattr(case, key), ensure_ascii=False)}" for key in ("name", "op", "dtype", "taken"))
        lines += ["", "[[probed.case]]", *values]
    return "\n".join(lines) + "\n"


def _probe_xnnpack() -> Probed:
    cases = _cases(("int8", "float32"), _taken_by_xnnpack)
    return Probed(tool="ai-edge-litert", version=version_of("ai-edge-litert") or "unknown", date=_today(), case=cases)


def _taken_by_xnnpack(build: ProbeBuild) -> bool:
    model = build.model()
    with tempfile.TemporaryDirectory(prefix="redmobile-probe-") as folder:
        path = Path(folder) / "case.tflite"
        path.write_bytes(write_tflite(model))
        try:
            runtime = open_runtime(path, "litert", threads=1)
        except InputError as error:
            raise DeviceError(f"{build.case.name} ({build.dtype}): LiteRT does not load the model that probes it ({error})") from error
        if not isinstance(runtime, InterpreterRuntime):
            raise DeviceError("litert: this runtime does not tell what XNNPACK takes.")
        return len(model.operators) - 1 in runtime.delegate_coverage().positions


def _probe_vela(target: str) -> Probed:
    builds = [ProbeBuild(case, "int8", f"case{number}") for number, case in enumerate(CASES) if "int8" in case.dtypes]
    models = [build.model() for build in builds]
    joined = TfliteModel(
        [operator for model in models for operator in model.operators],
        [tensor for model in models for tensor in model.inputs],
        [tensor for model in models for tensor in model.outputs],
    )
    estimate = compile_with_vela(write_tflite(joined), settings_for(target), "probe")
    left = {operator.name for operator in estimate.cpu}
    cases = tuple(
        Case(name=build.case.name, op=build.case.op, dtype="int8", taken=not any(tensor.name in left for tensor in model.outputs))
        for build, model in zip(builds, models, strict=True)
    )
    return Probed(tool=PACKAGE, version=version_of(PACKAGE) or "unknown", date=_today(), case=cases, takes=_listed_by_vela(target))


def _listed_by_vela(target: str) -> tuple[str, ...]:
    with tempfile.TemporaryDirectory(prefix="redmobile-vela-") as folder:
        report = supported_operators(Path(folder))
    section = report.partition(f"## {_SECTIONS[target]} TFLite Summary Table")[2].partition("\n## ")[0]
    return tuple(sorted(re.findall(r"^\| ([A-Z][A-Z0-9_]+) \|", section, re.MULTILINE)))


def _cases(dtypes: tuple[Dtype, ...], taken: Callable[[ProbeBuild], bool]) -> tuple[Case, ...]:
    return tuple(
        Case(name=case.name, op=case.op, dtype=dtype, taken=taken(ProbeBuild(case, dtype)))
        for case in CASES
        for dtype in dtypes
        if dtype in case.dtypes
    )


def _today() -> str:
    return dt.datetime.now(dt.UTC).date().isoformat()


def _word(taken: bool | None) -> str:
    return {True: "taken", False: "left", None: "not tried"}[taken]
