"""The figures of converted files: what their graphs are made of, how far their outputs are off, how long they take, what Vela leaves."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

import msgspec
import numpy as np

from redmobile.bench import stability, stats
from redmobile.bench.fidelity import Fidelity
from redmobile.bench.job import FidelityJob, FidelityRecord, LatencyJob, LatencyRecord, Load, LoadJob, LoadRecord, Network
from redmobile.bench.peers.conversion import ReadyNetwork
from redmobile.bench.peers.graph_facts import GraphFacts, graph_facts
from redmobile.bench.peers.limited import Limits
from redmobile.bench.peers.result import Latency, LatencyRun, Row, VelaFacts
from redmobile.bench.peers.tables import Precision
from redmobile.bench.plan import ClosedLoop, StabilityRules
from redmobile.bench.process import run_job
from redmobile.core.artifact import read_bytes
from redmobile.data.calibration import load_calibration
from redmobile.errors import RedmobileError, ToolError
from redmobile.graph.tflite_read import read_tflite
from redmobile.npu.vela import compile_with_vela, settings_for, target_of

LEAST_DB: dict[Precision, float] = {"fp32": 40.0, "int8": 15.0}
"""PSNR to the ONNX network below which a file is another network: an output that never changes comes to about 15 dB."""

R = TypeVar("R", LoadRecord, LatencyRecord, FidelityRecord)


def why_not_timed(row: Row) -> str | None:
    """Why the latency of a row's file must not be held against others: it does not compute the network. None if nothing speaks against it."""
    psnr_db, least = row.fidelity.psnr_db if row.fidelity else None, LEAST_DB[row.precision]
    if psnr_db is None or psnr_db >= least:
        return None
    return f"the file does not compute the network: {psnr_db:.1f} dB from it, at least {least:g} are asked for; its time is compared with none"


@dataclasses.dataclass(frozen=True)
class Vela:
    """Vela, ready to be called. python: of its environment; a sentence where there is none."""

    python: Path | str
    accelerator: str


@dataclasses.dataclass(frozen=True)
class Figures:
    """Takes figures of the files under `out`. pictures: the folder that outputs are compared on, of which `count` are taken."""

    out: Path
    pictures: Path
    count: int
    threads: int
    loop: ClosedLoop
    rules: StabilityRules
    limits: Limits
    vela: Vela | None

    def of(self, row: Row, network: ReadyNetwork) -> Row:
        """The row of a converted file with what can be said of that file alone. What cannot be had is named with its reason."""
        if row.conversion is None or row.conversion.file is None:
            return row
        file = self.out / row.conversion.file.file
        taken: dict[str, Callable[[], GraphFacts | Load | Fidelity | VelaFacts]] = {
            "graph": lambda: graph_facts(read_tflite(read_bytes(file), file.name)),
            "load": lambda: run_job(LoadJob(network=Network(path=str(file)), threads=1), LoadRecord).load,
            "fidelity": lambda: self._fidelity(file, network),
        }
        if row.precision == "int8" and self.vela is not None:
            taken["vela"] = lambda: self._vela(file)
        values: dict[str, object] = {}
        missing: dict[str, str] = {}
        for name, take in taken.items():
            try:
                values[name] = take()
            except RedmobileError as error:
                missing[name] = str(error)
        return msgspec.structs.replace(row, **values, missing=missing)

    def latency(self, rows: Sequence[Row], threads: int, ours: str) -> tuple[dict[str, Latency], LatencyRun | None]:
        """Converter → latency of the files of `rows`, which run by turns in one process; nothing where there is no file.

        ours: the converter that the others are measured against. Raises DeviceError, ToolError.
        """
        files = {row.converter: self.out / row.conversion.file.file for row in rows if row.conversion is not None and row.conversion.file is not None}
        if not files:
            return {}, None
        job = LatencyJob(networks=tuple(Network(path=str(file)) for file in files.values()), threads=threads, loop=self.loop)
        record = run_job(job, LatencyRecord)
        samples = dict(zip(files, record.samples_ms, strict=True))
        latencies = {
            name: Latency(
                threads=threads,
                time=stats.summarize(row),
                stability=stability.judge(row, record.conditions, threads, self.rules),
                samples_ms=row,
                ratio=None if name == ours or ours not in samples else self._ratio(name, samples[ours], row),
            )
            for name, row in samples.items()
        }
        return latencies, LatencyRun(network=rows[0].network, precision=rows[0].precision, threads=threads, conditions=record.conditions)

    def _ratio(self, name: str, ours_ms: Sequence[float], peer_ms: Sequence[float]) -> stats.Ratio:
        return stats.compare(name, ours_ms, peer_ms, self.loop.block, self.rules.max_relative_iqr)

    def _fidelity(self, file: Path, network: ReadyNetwork) -> Fidelity:
        pictures = self.out / "frames" / f"pictures_{network.size[0]}x{network.size[1]}.npy"
        np.save(pictures, np.stack(load_calibration(self.pictures, *network.size, self.count).pictures))
        job = FidelityJob(reference=Network(path=str(network.onnx)), network=Network(path=str(file)), threads=self.threads, pictures=str(pictures))
        return run_job(job, FidelityRecord).fidelity

    def _vela(self, file: Path) -> VelaFacts:
        if self.vela is None or isinstance(self.vela.python, str):
            raise ToolError(str(self.vela and self.vela.python))
        accelerator, limits = self.vela.accelerator, self.limits
        settings = settings_for(
            target_of(accelerator),
            accelerator,
            timeout_s=limits.seconds,
            memory_bytes=limits.memory_mib * 2**20,
            keep=file.parent / "vela",
            python=self.vela.python,
        )
        estimate = compile_with_vela(read_bytes(file), settings, file.stem)
        return VelaFacts(accelerator=accelerator, cpu_operators=len(estimate.cpu), npu_operators=estimate.operators)
