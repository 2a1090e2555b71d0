"""The processors that can be emulated: device files with [cpu]."""

from __future__ import annotations

from redmobile.core.device import CpuFacts, Device, device_names, load_device
from redmobile.errors import UsageError

PREFIX = "qemu:"
"""What an emulated processor's name begins with where it stands for a target or a runtime: qemu:cortex-a76."""


def load_cpu(name: str) -> tuple[Device, CpuFacts]:
    """The device called `name`, with or without 'qemu:', or in the .toml of that path. Raises InputError, DocumentError, UsageError (an NPU)."""
    device = load_device(name.removeprefix(PREFIX))
    if device.cpu is None:
        raise UsageError(f"{name}: is no processor that QEMU emulates ({device.says}). Known: {', '.join(cpu_names())}.")
    return device, device.cpu


def cpu_names() -> list[str]:
    """The names of the devices on the shelf that can be emulated, sorted. Raises DocumentError."""
    return [name for name in device_names() if load_device(name).cpu is not None]
