"""What Arm's Vela leaves to the processor when it compiles a .tflite for an Ethos-U."""

from __future__ import annotations

import os
import re
import tempfile
from pathlib import Path

from redmobile.bench.peers.limited import Limits, run_limited
from redmobile.core.documents import Document
from redmobile.errors import ToolError


class VelaFacts(Document):
    """Operators after Vela's own rewriting: cpu_operators fall back to the processor, npu_operators run on the accelerator."""

    accelerator: str
    cpu_operators: int
    npu_operators: int


def vela_facts(python: Path, file: Path, accelerator: str, log: Path, limits: Limits) -> VelaFacts:
    """Compile `file` with the Vela that lives beside `python`. Raises ToolError (it failed, or took more than `limits`).

    Vela ends with 0 whatever falls back: what counts is its own count, which it prints.
    """
    with tempfile.TemporaryDirectory() as folder:
        command = [str(python), "-m", "ethosu.vela", str(file.resolve()), "--accelerator-config", accelerator, "--output-dir", folder]
        ended = run_limited(command, Path(folder), dict(os.environ), log, limits)
    if ended.end != "done":
        raise ToolError(f"Vela: {ended.reason}")
    counts = {unit: re.search(rf"^{unit} operators = (\d+)", log.read_text(errors="replace"), re.MULTILINE) for unit in ("CPU", "NPU")}
    cpu, npu = counts["CPU"], counts["NPU"]
    if cpu is None or npu is None:
        raise ToolError(f"Vela: told no count of operators (see {log.name}).")
    return VelaFacts(accelerator=accelerator, cpu_operators=int(cpu[1]), npu_operators=int(npu[1]))
