"""The [conversion] table of a plan: which networks are converted, by which converters, in which environments, within which limits."""

from __future__ import annotations

from typing import Annotated, Literal

import msgspec

from redmobile.core.documents import Document

Precision = Literal["fp32", "int8"]
Source = Literal["model", "timm", "segmentation_models"]
Count = Annotated[int, msgspec.Meta(ge=1)]
Name = Annotated[str, msgspec.Meta(pattern=r"^[A-Za-z0-9_.-]+$")]


class NetworkTable(Document):
    """One network. name: in the table and of its folder.

    source: whose code builds it: `timm` or `segmentation_models` (random weights, from `what` and `options`), or `model`, a model.toml of
    ours: `what` is a name on the models shelf, with its weights, or a .toml beside the plan, with random ones.
    size: (height, width) of the picture it takes; of a model, its own where nothing is said.
    """

    name: Name
    source: Source
    what: str
    size: tuple[Count, Count] | None = None
    options: dict[str, str | int | float | bool] = msgspec.field(default_factory=dict)


class ConverterTable(Document):
    """One converter. driver: a file in redmobile/bench/peers/drivers, without its ending, or the path of a .py from the plan's folder.

    takes: ONNX files, or PyTorch modules only. environment: where it runs; None: the environment of the running program.
    recipes: of a converter that has several.
    """

    name: Name
    driver: str
    takes: Literal["onnx", "module"] = "onnx"
    environment: str | None = None
    recipes: dict[Precision, str] = msgspec.field(default_factory=dict)


class EnvironmentTable(Document):
    """requirements: a file of pinned versions, its path from the plan's folder. disk_mib: what must be free before it is made."""

    requirements: str
    disk_mib: Count


class VelaTable(Document):
    """Vela, which compiles the INT8 files for an Ethos-U: the accelerator it is told of, and the environment it lives in."""

    accelerator: str
    environment: str


class ConversionTable(Document):
    """The table. Its first converter is ours: the others' times are told as multiples of its own.

    builder: the environment in which PyTorch networks are built and exported to ONNX.
    frames: calibration pictures, evenly spread over their folder; pictures: those that INT8 and float are compared on.
    threads: of the engine, one latency measurement each. seconds, memory_mib: the most that one conversion may take, with all its processes.
    photographs: the model on the shelf whose calibration and demonstration pictures are taken where no others are given.
    """

    converter: Annotated[tuple[ConverterTable, ...], msgspec.Meta(min_length=1)]
    network: tuple[NetworkTable, ...]
    environment: dict[str, EnvironmentTable] = msgspec.field(default_factory=dict)
    builder: str = "networks"
    precisions: tuple[Precision, ...] = ("fp32", "int8")
    frames: Count = 4
    pictures: Count = 4
    threads: tuple[Count, ...] = (1, 2)
    seconds: Annotated[float, msgspec.Meta(gt=0)] = 900.0
    memory_mib: Count = 10240
    photographs: str = "red_mobile"
    vela: VelaTable | None = None

    def __post_init__(self) -> None:
        """Raise ValueError, which becomes a DocumentError, for names that stand twice or lead nowhere."""
        faults = [f"{kind} '{name}' stands twice" for kind, names in self._names().items() for name in sorted(set(names)) if names.count(name) > 1]
        used = {converter.environment for converter in self.converter if converter.environment}
        if any(_needs_builder(network) for network in self.network):
            used.add(self.builder)
        if self.vela is not None:
            used.add(self.vela.environment)
        faults += [f"there is no environment '{name}'" for name in sorted(used - self.environment.keys())]
        if faults:
            raise ValueError("; ".join(faults))

    def _names(self) -> dict[str, list[str]]:
        return {"the converter": [one.name for one in self.converter], "the network": [one.name for one in self.network]}


def _needs_builder(network: NetworkTable) -> bool:
    return network.source != "model" or network.what.endswith(".toml")
