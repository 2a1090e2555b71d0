"""From a plan to its result, in one call."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from pathlib import Path

from redmobile.bench.plan import Plan, Policy, Scenario, adapt, load_plan
from redmobile.bench.result import Bundle, Result
from redmobile.bench.target import Assignment, Progress, Target, open_target
from redmobile.core.artifact import sha256_file
from redmobile.core.device import load_device
from redmobile.errors import InputError, UsageError
from redmobile.runtimes.base import DEFAULT_RUNTIMES
from redmobile.shelf import find


def bench(
    plan: str,
    model: str = "red_mobile",
    *,
    on: str = "host",
    peers: Sequence[str] = (),
    resize_peers: bool = False,
    threads: int | None = None,
    runs: int | None = None,
    fps: float | None = None,
    seconds: float | None = None,
    scenario: Scenario | None = None,
    policy: Policy | None = None,
    queue: int | None = None,
    video: Path | None = None,
    images: Path | None = None,
    reference: str | None = None,
    delegates: Sequence[str] = (),
    delegate_options: Mapping[str, str] | None = None,
    device: str | None = None,
    target_options: Mapping[str, str] | None = None,
    on_progress: Progress | None = None,
) -> Result | Bundle:
    """Carry out the plan called `plan` (on the shelf, or a path) with `model` (the same, or the file of a network) on the target `on`.

    peers: networks that run by turns with it (closed loop only); resize_peers: bring those to the model's height and width first.
    threads, runs, fps, seconds, scenario, policy, queue: in place of the plan's values. video: frames come from this file or folder
    (open loop only). images, reference: pictures, and the network whose outputs are right [accuracy]. delegates: what the engine is to
    hand the graph to; delegate_options, target_options: key → value; device: a device file (its name or path) for targets that need one.
    Raises InputError, DocumentError, UsageError, UnsupportedModelError, DeviceError, ToolError. A missed budget raises nothing:
    it stands in the result's verdict.
    """
    settings = adapt(load_plan(plan), threads=threads, runs=runs, fps=fps, seconds=seconds, scenario=scenario, policy=policy, queue=queue)
    _check(settings, peers, video, images, reference, resize_peers=resize_peers)
    target = open_target(on)
    _check_options(on, target, target_options or {})
    given = {
        "--on": on if on != "host" else None,
        "--model": model,
        "--peer": peers,
        "--resize-peers": resize_peers,
        "--threads": threads,
        "--runs": runs,
        "--fps": fps,
        "--seconds": seconds,
        "--scenario": scenario,
        "--policy": policy,
        "--queue": queue,
        "--video": video,
        "--images": images,
        "--reference": reference,
        "--delegate": delegates,
        "--delegate-option": _pairs(delegate_options),
        "--device": device,
        "--target-option": _pairs(target_options),
    }
    work = Assignment(
        plan=plan,
        plan_sha256=sha256_file(find("benchmarks", plan)),
        settings=settings,
        command=_command(plan, given),
        model=model_file(model),
        peers=tuple(model_file(peer) for peer in peers),
        resize_peers=resize_peers,
        frames=video,
        images=images,
        reference=_reference(model, reference) if settings.accuracy is not None else None,
        delegates=tuple(delegates),
        delegate_options=dict(delegate_options or {}),
        options=dict(target_options or {}),
        device=load_device(device) if device else None,
    )
    return target.carry_out(work, on_progress)


def model_file(name: str) -> Path:
    """The file of a network: `name` itself if it is a path, else the INT8 file of the model `name` on the shelf. Raises InputError."""
    path = Path(name)
    if path.suffix.lower() in DEFAULT_RUNTIMES or path.is_file():
        if path.is_dir():
            raise InputError(f"{path}: is a folder, the file of a network was expected.")
        if not path.is_file():
            raise InputError(f"{path}: no such file.")
        return path
    folder = find("models", name)
    file = folder / f"{folder.name}_int8.tflite"
    if not file.is_file():
        raise InputError(f"{folder}: holds no {file.name}; convert it first: redmobile convert {name} --with litert_int8 --out {file}")
    return file


def _reference(model: str, reference: str | None) -> Path:
    """The network whose outputs are right: the one named, else the ONNX file beside a model of the shelf. Raises InputError, UsageError."""
    if reference is not None:
        return model_file(reference)
    path = Path(model)
    if path.suffix.lower() in DEFAULT_RUNTIMES or path.is_file():
        raise UsageError(f"{model}: which network's outputs are right? Name the one it was made of with --reference FILE.onnx.")
    folder = find("models", model)
    return model_file(str(folder / f"{folder.name}.onnx"))


def _check(settings: Plan, peers: Sequence[str], video: Path | None, images: Path | None, reference: str | None, *, resize_peers: bool) -> None:
    if settings.conversion is not None:
        raise UsageError(
            "This plan has a table [conversion]: it compares converters and measures no single model (bench.peers.runner carries it out)."
        )
    belongs = {
        "--peer": (bool(peers), "closed_loop"),
        "--video": (video is not None, "open_loop"),
        "--images": (images is not None, "accuracy"),
        "--reference": (reference is not None, "accuracy"),
    }
    for option, (given, way) in belongs.items():
        if given and settings.way != way:
            raise UsageError(f"{option} belongs to a plan with [{way}]; this one has [{settings.way}].")
    if settings.closed_loop is not None and settings.closed_loop.scenario == "single-stream" and peers:
        raise UsageError("MLPerf's LoadGen asks for the runs of one network: --scenario single-stream takes no --peer.")
    if resize_peers and not peers:
        raise UsageError("There are no peers to bring to the model's size: name one.")
    for path in (video, images):
        if path is not None and not path.exists():
            raise InputError(f"{path}: no such file or folder.")


def _check_options(address: str, target: Target, options: Mapping[str, str]) -> None:
    unknown = sorted(options.keys() - target.options.keys())
    if unknown:
        known = "; ".join(f"{name}: {says}" for name, says in target.options.items()) or "none"
        raise UsageError(f"The target '{address}' takes no option {', '.join(unknown)}. It takes: {known}.")


def _pairs(options: Mapping[str, str] | None) -> list[str]:
    return [f"{key}={value}" for key, value in (options or {}).items()]


def _command(plan: str, given: Mapping[str, object]) -> str:
    """The command line that does it again."""
    words = ["redmobile", "bench", plan]
    for option, value in given.items():
        if value is None or value is False:
            continue
        if value is True:
            words.append(option)
            continue
        for one in value if isinstance(value, list | tuple) else [value]:
            words += [option, str(one)]
    return shlex.join(words)
