"""What every result says, whatever was done and wherever."""

from __future__ import annotations

from typing import Literal

import msgspec

from redmobile.bench.plan import Plan
from redmobile.core.documents import Document

Format = Literal["redmobile.bench/2"]
FORMAT: Format = "redmobile.bench/2"

Outcome = Literal["met", "missed", "not to be trusted", "no budget", "not measured"]
"""'not measured': nothing ran on the hardware in question, so nobody knows whether it would meet the budget."""


class ModelFile(Document):
    """The file that was measured."""

    file: str
    sha256: str
    bytes: int


class Environment(Document):
    """The machine that redmobile (or the app) itself ran on, and versions. date: ISO 8601, UTC. packages: name → version."""

    date: str
    machine: str
    cpu: str
    cores: int
    system: str
    python: str | None = None
    packages: dict[str, str] = msgspec.field(default_factory=dict)


class DeviceFacts(Document):
    """What did the work. name: for people; abi: 'x86_64', 'arm64-v8a', …; details: whatever else the device says of itself, label → text."""

    name: str
    soc: str | None = None
    abi: str | None = None
    system: str | None = None
    cores: int | None = None
    memory_bytes: int | None = None
    details: dict[str, str] = msgspec.field(default_factory=dict)


class Header(Document, kw_only=True):
    """The part that all results share.

    run_id: of this run, unique; plan: its name or path; plan_sha256: of its file; settings: the plan as it was carried out, options
    included. target: 'host', 'qemu:cortex-a76', 'ethos-u55-256', 'adb:SERIAL'. environment: of the machine that ran redmobile;
    command: the line that does it again. incomplete: why it ended before its time (a cable was pulled); None: it did not.
    """

    format: Format
    run_id: str
    plan: str
    settings: Plan
    target: str
    device: DeviceFacts
    environment: Environment
    command: str
    plan_sha256: str | None = None
    incomplete: str | None = None


class Verdict(Document):
    """outcome: of the budget. says: one sentence with the figures."""

    outcome: Outcome
    says: str
