"""Arm's Ethos-U, as Vela, Arm's compiler, estimates it. Nothing runs; every figure is Vela's, and says so."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from pathlib import Path

from redmobile.bench import assemble
from redmobile.bench.header import DeviceFacts, Verdict
from redmobile.bench.modelled import EstimatedNetwork, EstimateResult, OperatorCycles
from redmobile.bench.result import Result
from redmobile.bench.target import TARGETS, Assignment, Progress
from redmobile.core.artifact import read_bytes
from redmobile.core.device import Device
from redmobile.errors import UsageError
from redmobile.npu.vela import (
    DEFAULT_MEMORY_BYTES,
    DEFAULT_TIMEOUT_S,
    Estimate,
    Layer,
    Settings,
    accelerators,
    compile_with_vela,
    settings_for,
    sram_remark,
    target_of,
)

_SUFFIX = ".tflite"
_GIBIBYTE = 2**30


@TARGETS.register(*accelerators())
class EthosUTarget:
    """Implements bench.target.Target for one accelerator, e.g. 'ethos-u65-512'."""

    options: Mapping[str, str] = {
        "system-config": "a section of Vela's configuration file, e.g. Ethos_U65_High_End",
        "memory-mode": "Vela's memory mode, e.g. Dedicated_Sram_512KB",
        "timeout": f"seconds that Vela may take for a network ({DEFAULT_TIMEOUT_S:g})",
        "memory": f"GiB of memory that Vela may take ({DEFAULT_MEMORY_BYTES / _GIBIBYTE:g})",
        "keep": "a folder for Vela's files and log",
    }

    def __init__(self, address: str) -> None:
        self._address = address
        self._target = target_of(address)

    def carry_out(self, work: Assignment, on_progress: Progress | None = None) -> Result:
        """See Target. Peers are estimated for the same system. Raises MissingExtraError, ToolError too."""
        _refuse(self._address, work)
        settings = self._settings(work)
        files = (work.model, *work.peers)
        networks = []
        for done, file in enumerate(files):
            if on_progress:
                on_progress(f"Vela compiles {file.name}", done, len(files))
            networks.append(_estimated(file, compile_with_vela(read_bytes(file), settings, file.stem)))
        model, *peers = networks
        head = assemble.header(work, self._address, _facts(self._address, work.device))
        return EstimateResult(**head, verdict=_verdict(model, work.settings.fps), estimated=model, peers=tuple(peers))

    def _settings(self, work: Assignment) -> Settings:
        """Options go before the device file, and that before the defaults."""
        npu = work.device.npu if work.device else None
        if work.device is not None and (npu is None or npu.accelerator != self._address):
            found = npu.accelerator if npu else "a processor"
            raise UsageError(f"--device {work.device.name}: is {found}, the target is {self._address}.")
        options = work.options
        return settings_for(
            self._target,
            self._address,
            options.get("system-config") or (npu.system_config if npu else None),
            options.get("memory-mode") or (npu.memory_mode if npu else None),
            timeout_s=_number(options, "timeout", DEFAULT_TIMEOUT_S),
            memory_bytes=round(_number(options, "memory", DEFAULT_MEMORY_BYTES / _GIBIBYTE) * _GIBIBYTE),
            keep=Path(options["keep"]) if "keep" in options else None,
        )


def _refuse(address: str, work: Assignment) -> None:
    """Raise UsageError for what a compiler's estimate has no answer to."""
    given = {
        "--threads": work.settings.threads is not None,
        "--delegate": bool(work.delegates),
        "--delegate-option": bool(work.delegate_options),
        "--resize-peers": work.resize_peers,
    }
    unfit = [option for option, is_given in given.items() if is_given]
    if unfit:
        raise UsageError(f"{', '.join(unfit)}: means nothing to {address}, which Vela estimates and nobody runs; leave it out.")
    if work.settings.closed_loop is None:
        raise UsageError(
            f"{work.plan}: {address} is an estimate by a compiler, which has no [{work.settings.way}]; it carries out plans with [closed_loop]."
        )
    files = [str(file) for file in (work.model, *work.peers) if file.suffix.lower() != _SUFFIX]
    if files:
        raise UsageError(f"{', '.join(files)}: Vela compiles .tflite files; convert it first: redmobile convert … --with {target_of(address)}.")


def _number(options: Mapping[str, str], name: str, default: float) -> float:
    """The option `name`, above 0."""
    try:
        value = float(options.get(name, default))
    except ValueError:
        value = 0.0
    if not value > 0:
        raise UsageError(f"--target-option {name}={options[name]}: a number above 0 was expected.")
    return value


def _facts(address: str, device: Device | None) -> DeviceFacts:
    name = device.name if device else f"Arm {address.replace('ethos-u', 'Ethos-U')}"
    return DeviceFacts(name=name, details={"Ran on": "nothing; estimated by Vela"})


def _estimated(file: Path, estimate: Estimate) -> EstimatedNetwork:
    rate = estimate.frames_per_second
    reasons = {operator.name: operator.reason for operator in estimate.cpu}
    names = {field.name for field in dataclasses.fields(Estimate)}
    shared = {key: getattr(estimate, key) for key in EstimatedNetwork.__struct_fields__ if key in names and key != "operators"}
    return EstimatedNetwork(
        label="estimate by Vela, not a measurement",
        model=assemble.model_file(file),
        accelerator=estimate.config,
        system_config=estimate.system,
        frame_ms=1000 / rate if rate else None,
        npu_operators=estimate.operators,
        cpu_operators=len(estimate.cpu),
        operators=tuple(_operator(layer, reasons) for layer in estimate.layers),
        **shared,
    )


def _operator(layer: Layer, reasons: Mapping[str, str]) -> OperatorCycles:
    on_npu = layer.unit == "NPU"
    return OperatorCycles(
        name=layer.name,
        kind=layer.op,
        unit=layer.unit,
        cycles=layer.cycles if on_npu else 0,
        macs=layer.macs,
        utilisation=layer.utilization if on_npu else None,
        reason=None if on_npu else reasons.get(layer.name) or "Vela gives no reason",
    )


def _verdict(network: EstimatedNetwork, fps: float) -> Verdict:
    """Never met nor missed: an estimate is no measurement, and the CPU's part is not in it."""
    left = network.cpu_operators
    beside = "no operator is left to the CPU" if left == 0 else f"{left} operator{'' if left == 1 else 's'} left to the CPU, not in it"
    if network.frame_ms is None:
        return Verdict(outcome="not measured", says=f"Vela puts nothing on {network.accelerator}: {beside}.")
    where = f"{network.accelerator}, {network.system_config}, {network.memory_mode}, {network.clock_hz / 1e6:,.0f} MHz"
    rate = f"{network.frames_per_second:.1f} frames a second ({network.frame_ms:.1f} ms a frame; {fps:g} were asked for)"
    remark = sram_remark(network.sram_bytes)
    return Verdict(outcome="not measured", says=f"Vela estimates {rate} on {where}; {beside}.{f' {remark}.' if remark else ''}")
