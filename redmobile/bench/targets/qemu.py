"""An emulated ARM processor, qemu:CPU: are the outputs those of this machine, and how much work is a frame? No milliseconds, but a lower bound."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from statistics import median_low
from typing import Any

from numpy.typing import NDArray

from redmobile.bench import assemble
from redmobile.bench.header import DeviceFacts, Verdict
from redmobile.bench.inputs import arrays_for
from redmobile.bench.lower_bound import lower_bound
from redmobile.bench.modelled import CacheLevel, CacheSimulation, Counts, EmulatedNetwork, EmulationResult, OutputComparison, OutputDifference
from redmobile.bench.output_comparison import differences
from redmobile.bench.plan import load_plan
from redmobile.bench.result import Result
from redmobile.bench.target import TARGETS, Assignment, Progress
from redmobile.core.device import CpuFacts, Device
from redmobile.emulator import counts as emulator_counts
from redmobile.emulator import network as emulator_network
from redmobile.emulator.cpus import PREFIX, cpu_names, load_cpu
from redmobile.emulator.plugin_build import qemu_version
from redmobile.emulator.system import System
from redmobile.errors import UsageError
from redmobile.runtimes.base import open_runtime

_FRAMES = 3
_SAYS = (
    "The program's own accesses through caches of the device file's sizes, least recently used out first. Left out: instruction fetches, "
    "prefetching, other cores, physical addresses, and stores that skip a cache (bytes read for stores are counted)."
)


@TARGETS.register("qemu")
class QemuTarget:
    """Implements bench.target.Target. Counts are those of one thread."""

    options: Mapping[str, str] = {"frames": f"how many frames are counted, after one that warms up (default {_FRAMES})"}

    def __init__(self, address: str) -> None:
        self._address = address
        self._name = address.removeprefix(PREFIX)
        if not address.startswith(PREFIX) or not self._name:
            raise UsageError(f"Which processor? One of {', '.join(PREFIX + name for name in cpu_names())}; found '{address}'.")
        self._device, self._cpu = load_cpu(self._name)

    def carry_out(self, work: Assignment, on_progress: Progress | None = None) -> Result:
        """See Target."""
        _check(work)
        frames = _whole_number(work.options.get("frames", str(_FRAMES)))
        device, cpu = (work.device, work.device.cpu) if work.device and work.device.cpu else (self._device, self._cpu)
        files = (work.model, *work.peers)
        run = _Run(device, cpu, frames, len(files), work, on_progress)
        networks = [run.network(file) for file in files]
        model, *peers = networks
        return EmulationResult(
            **assemble.header(work, self._address, DeviceFacts(name=device.name, abi="arm64-v8a", details={"emulated as": cpu.emulated_as})),
            verdict=Verdict(outcome="not measured", says=_verdict(model, work)),
            cpu=cpu.emulated_as,
            emulator="QEMU {}.{}".format(*qemu_version()),
            measured=model,
            peers=tuple(peers),
        )


def _check(work: Assignment) -> None:
    """Raise UsageError for what counting cannot do."""
    if work.settings.closed_loop is None:
        raise UsageError(f"{work.plan}: an emulated processor has no time, so only plans with [closed_loop] make sense there, e.g. model_latency.")
    if work.settings.closed_loop != load_plan(work.plan).closed_loop:
        raise UsageError(
            "--runs, --seconds and --scenario are about time, which an emulated processor has none of; frames: --target-option frames=3."
        )
    if work.settings.threads not in {None, 1}:
        raise UsageError(f"Counts are those of one thread, {work.settings.threads} were asked for: leave --threads out.")
    if len(work.delegates) > 1 or any(not Path(name).is_file() for name in work.delegates):
        raise UsageError(
            f"--delegate {', '.join(work.delegates)}: for an emulated processor, the path of one aarch64 library (.so) was expected; ours is built "
            "by: redmobile kernels build --target aarch64-linux --out libredmobile_delegate.so"
        )
    if work.resize_peers:
        raise UsageError("--resize-peers does not belong to qemu: networks are counted as they are.")
    if work.device is not None and work.device.cpu is None:
        raise UsageError(f"--device: {work.device.name} is no processor that QEMU emulates.")
    for file in (work.model, *work.peers):
        if file.suffix.lower() != ".tflite":
            raise UsageError(f"{file}: emulated processors run LiteRT, which takes .tflite files.")


def _whole_number(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise UsageError(f"The target option frames must be a whole number from 1 on, found '{text}'.")
    return int(text)


def _verdict(model: EmulatedNetwork, work: Assignment) -> str:
    says = f"emulation yields no time: {model.counts.instructions / 1e6:,.1f} million instructions a frame"
    if model.outputs is not None:
        says += ", outputs bit-equal to this machine's" if model.outputs.equal else ", outputs not those of this machine"
    if model.bound is None:
        return says
    bound, frame_ms = model.bound, work.settings.frame_ms
    if bound.not_faster_than_ms > frame_ms:
        return f"{says}; one core cannot reach {work.settings.fps:g} frames a second: at least {bound.not_faster_than_ms:.1f} ms (estimate)"
    return f"{says}; one core needs at least {bound.not_faster_than_ms:.1f} ms (estimate), limited by {bound.limited_by}"


class _Run:
    """Networks on one processor, one after the other."""

    def __init__(self, device: Device, cpu: CpuFacts, frames: int, networks: int, work: Assignment, on_progress: Progress | None) -> None:
        self._device, self._cpu, self._frames = device, cpu, frames
        self._system = System()
        self._delegate = Path(work.delegates[0]) if work.delegates else None
        self._options = work.delegate_options
        self._steps = networks * (frames + 2)
        self._done = 0
        self._on_progress = on_progress

    def network(self, file: Path) -> EmulatedNetwork:
        """The counts of the network at `file`, its outputs compared with those of LiteRT here."""
        self._say(f"{file.name} here")
        here = open_runtime(file, "litert")
        inputs = arrays_for(here.inputs)
        expected = here.run(*inputs)
        self._say(f"{file.name} on {self._cpu.emulated_as}")
        there = emulator_network.EmulatedNetwork(
            file, self._cpu, delegate=self._delegate, delegate_options=self._options, counting=True, system=self._system
        )
        try:
            where = self._frames_of(there, inputs, expected)
            counted = there.finish()
        finally:
            there.close()
        _, *regions = counted.regions
        totals = tuple(region.total for region in regions)
        middle = regions[totals.index(median_low(totals))]
        made, caches = _counts(middle), self._caches(middle)
        needed = (middle.fills_by_loads + middle.write_backs) * self._cpu.caches[0].line_bytes if self._cpu.caches else None
        return EmulatedNetwork(
            model=assemble.model_file(file),
            runtime=f"litert {there.version} aarch64" + (f" + {self._delegate.name}" if self._delegate else ""),
            threads=1,
            counts=made,
            repeats=totals,
            spread=(max(totals) - min(totals)) / made.instructions,
            outputs=OutputComparison(against=f"{here.name} here", frames=self._frames + 1, equal=not where, where=tuple(where)),
            caches=caches,
            bound=lower_bound(self._device.name, self._cpu, made, caches, needed),
        )

    def _frames_of(
        self, there: emulator_network.EmulatedNetwork, inputs: list[NDArray[Any]], expected: tuple[NDArray[Any], ...]
    ) -> list[OutputDifference]:
        """Run one frame that warms up and those that count; where outputs differ."""
        where: list[OutputDifference] = []
        for frame in range(self._frames + 1):
            where += differences(frame, there.outputs, expected, there.run(*inputs))
            if frame < self._frames:
                self._say(f"frame {frame + 1} of {self._frames}")
        return where

    def _caches(self, region: emulator_counts.Counts) -> CacheSimulation | None:
        if not self._cpu.caches:
            return None
        line = self._cpu.caches[0].line_bytes
        rows = zip(self._cpu.caches, region.lookups, region.misses, strict=True)
        return CacheSimulation(
            says=_SAYS,
            levels=tuple(
                CacheLevel(level=cache.level, bytes=cache.bytes, line_bytes=line, ways=cache.ways, hits=lookups - misses, misses=misses)
                for cache, lookups, misses in rows
            ),
            memory_read_bytes=(region.fills_by_loads + region.fills_by_stores) * line,
            memory_written_bytes=region.write_backs * line,
        )

    def _say(self, what: str) -> None:
        if self._on_progress:
            self._on_progress(what, self._done, self._steps)
        self._done += 1


def _counts(region: emulator_counts.Counts) -> Counts:
    return Counts(instructions=region.total, **region.instructions, loaded_bytes=region.bytes_loaded, stored_bytes=region.bytes_stored)
