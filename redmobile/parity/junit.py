"""Gates as test cases."""

from __future__ import annotations

from redmobile.core import junit
from redmobile.core.junit import Case, Suite
from redmobile.parity.result import ParityResult


def to_junit(result: ParityResult) -> bytes:
    """One test suite: a case for shapes, dtypes, layouts and finiteness, then a case a gate; UTF-8."""
    group = f"parity.{result.stages[-1].name}"
    cases = [Case(group, "shape, dtype, layout, finiteness", "failed" if result.findings else "passed", "fault", "\n".join(result.findings))]
    cases += [Case(group, gate.title, "skipped" if gate.outcome == "not judged" else gate.outcome, "gate", gate.says) for gate in result.gates]
    return junit.to_junit([Suite("redmobile.parity", str(result.environment["date"]), _properties(result), cases)])


def _properties(result: ParityResult) -> dict[str, str]:
    packages = {f"version.{name}": str(version) for name, version in result.environment["packages"].items()}
    files = {f"sha256.{stage.name}": stage.sha256 for stage in result.stages}
    return {"converter": result.converter, "cpu": str(result.environment["cpu"]), **files, **packages}
