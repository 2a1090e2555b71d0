"""Where a plan can be carried out. Each target is a file in targets/."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Protocol

from redmobile.bench.plan import Plan
from redmobile.bench.result import Bundle, Result
from redmobile.core.device import Device
from redmobile.core.registry import Registry

Progress = Callable[[str, int, int], None]
"""(what is being done, done, all) → None."""


@dataclasses.dataclass(frozen=True)
class Assignment:
    """What a target is asked to do. Everything has been read and checked, except whether this target can do it.

    plan: its name; plan_sha256: of its file; settings: the plan with the options given; command: the line that does it again.
    model, peers: files of networks; resize_peers: bring peers to the model's height and width first. frames: a video or a folder of
    pictures, None: frames that are made; images: pictures for [accuracy], reference: the network whose outputs are right.
    delegates: those asked for, in order, () for the target's own choice; delegate_options, options: key → value, the latter of
    the target itself (Target.options). device: a device file named by the user; None: the target looks for its own.
    """

    plan: str
    plan_sha256: str
    settings: Plan
    command: str
    model: Path
    peers: tuple[Path, ...] = ()
    resize_peers: bool = False
    frames: Path | None = None
    images: Path | None = None
    reference: Path | None = None
    delegates: tuple[str, ...] = ()
    delegate_options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    options: Mapping[str, str] = dataclasses.field(default_factory=dict)
    device: Device | None = None


class Target(Protocol):
    """A machine, here or elsewhere, real, emulated or estimated, that carries out plans."""

    options: Mapping[str, str]
    """What `--target-option KEY=VALUE` may say to this target: key → one line of help."""

    def carry_out(self, work: Assignment, on_progress: Progress | None = None) -> Result | Bundle:
        """The result of `work`; a bundle where delegates or thread counts were tried one after the other.

        What was measured before something broke is not lost: the result is kept, with its `incomplete` set.
        Raises UsageError where this target cannot do what is asked (and says which can), DeviceError if it cannot be had,
        ToolError if a tool it needs fails, and whatever class of RedmobileError the work met there.
        """
        ...


Maker = Callable[[str], Target]
"""From the address given with --on, e.g. 'qemu:cortex-a76', to the target. Raises UsageError, DeviceError."""

TARGETS: Registry[Maker] = Registry("target", "redmobile.bench.targets")
"""Name → how to make the target. The name is what stands before the first colon of an address."""


def open_target(address: str) -> Target:
    """The target at `address`: 'host', 'qemu:CPU', 'ethos-u55-256', 'adb', 'adb:SERIAL'. Raises UsageError, DeviceError."""
    return TARGETS[address.partition(":")[0]](address)
