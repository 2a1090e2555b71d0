"""Files over the workers of a Dask cluster: each is done once, whoever dies; what is done is written down.

Every worker reads a file by its URL (fsspec: file, s3, gs, …), enhances it as `redmobile enhance` does without a cluster, writes the result under
another name and moves it into place. Dask gives the files of a worker that died to the others; a result that two workers made has the same
bytes, so it is there once. The manifest beside the results names what is done; another run leaves that alone.
"""

from __future__ import annotations

import contextlib
import dataclasses
import functools
import json
import logging
import tempfile
import uuid
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, TypeVar

from redmobile.core.artifact import output_path, read_bytes, sha256_bytes
from redmobile.data.frames import FORMATS
from redmobile.data.video import READABLE
from redmobile.enhance.batch import Outcome, Settings, enhance_all
from redmobile.enhance.image_model import ImageModel
from redmobile.enhance.jobs import Job, final_name
from redmobile.enhance.open_model import model_file
from redmobile.errors import DeviceError, InputError, MissingExtraError, OutputError, RedmobileError, ToolError, UsageError
from redmobile.runtimes.base import open_runtime

T = TypeVar("T")

MANIFEST = "redmobile-manifest.jsonl"

_LOCAL = "local:"
_CONNECT_SECONDS = 15
_AHEAD = 4
"""Files a worker has waiting: enough to keep it busy, few enough that little is on its way when one dies."""

_PARTIAL = ".partial"
"""What the name of a file still being written holds, as core/artifact.py names it."""

_ENDINGS = (*FORMATS, *READABLE)


@dataclasses.dataclass(frozen=True)
class Work:
    """One file: from the URL or path `source` to `final`. stamp: tells this content of the source from another (size and time, or an etag)."""

    source: str
    final: str
    stamp: str


@dataclasses.dataclass(frozen=True)
class Network:
    """What workers need of the network: its file, as bytes. runtime: the engine's name, or None for that of the ending; threads: a worker's."""

    name: str
    data: bytes
    runtime: str | None
    threads: int | None


@dataclasses.dataclass(frozen=True)
class Done:
    """What a worker tells. error: why there is no result, with its exit code's class."""

    sha256: str = ""
    size: int = 0
    frames: int = 0
    seconds: float = 0.0
    remarks: tuple[str, ...] = ()
    error: RedmobileError | None = None


def read_network(model: str, runtime: str | None, threads: int | None) -> Network:
    """The file of `model` (on the shelf, or a .tflite or .onnx), to be sent to workers. Raises UsageError (torch has no file), InputError."""
    if runtime == "torch":
        raise UsageError("A cluster runs files: the runtime torch does not go with --cluster; export the network to ONNX first.")
    file = model_file(model, runtime)
    return Network(file.name, read_bytes(file), runtime, threads)


def plan_work(inputs: Sequence[str], out: str) -> list[Work]:
    """The pictures and videos at `inputs` (URLs or paths; files or folders with all below them) and where their results go, below the folder `out`.

    What lies in a folder keeps its place below it. Raises InputError (nothing there), UsageError (two results of one name, or one over an input),
    MissingExtraError.
    """
    found: list[Work] = []
    for given in inputs:
        found += _below(given, out)
    sources, finals = {work.source for work in found}, [work.final for work in found]
    twice = sorted({final for final in finals if finals.count(final) > 1} if len(set(finals)) < len(finals) else sources & set(finals))
    if twice:
        raise UsageError(f"{twice[0]}: two results would be written there, or it is one of the inputs; choose another --out.")
    return found


def enhance_spread(
    works: Sequence[Work], out: str, network: Network, settings: Settings, address: str, on_done: Callable[[Outcome], None]
) -> list[Outcome]:
    """Do all `works` on the cluster at `address` ('local:N' or a scheduler's); tells of each as it ends, in the order in which they end.

    What the manifest in `out` names with the same network, settings and source is left alone. A file on which workers die again and again fails
    with a ToolError. Raises DeviceError (no cluster there), OutputError, MissingExtraError.
    """
    manifest = _Manifest(out)
    keys = {work.source: _key(work, network, settings) for work in works}
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        on_done(outcome)

    left = []
    for work in works:
        if manifest.holds(work, keys[work.source]):
            tell(Outcome(work.source, work.final, skipped=True))
        else:
            left.append(work)
    if left:
        with open_client(address) as client:
            for work, done in gather(client, enhance_one, left, lambda work: (work,), (network, settings), Done):
                if done.error is None:
                    manifest.add(work, keys[work.source], done)
                    tell(Outcome(work.source, work.final, done.frames, done.seconds, done.remarks))
                elif isinstance(done.error, OutputError):
                    raise done.error
                else:
                    tell(Outcome(work.source, None, seconds=done.seconds, error=done.error))
        _sweep(left)
    return outcomes


@contextlib.contextmanager
def open_client(address: str) -> Iterator[Any]:
    """A dask.distributed client: of a cluster of N processes here for 'local:N', else of the scheduler at `address`.

    Raises DeviceError, UsageError, MissingExtraError.
    """
    try:
        import distributed
    except ModuleNotFoundError as error:
        raise MissingExtraError("distributed", "cluster", "--cluster") from error
    logging.getLogger("distributed").setLevel(logging.CRITICAL)  # a dead worker is told by what it costs, not by a page of log
    if address.startswith(_LOCAL):
        count = address.removeprefix(_LOCAL)
        if not count.isdecimal() or int(count) < 1:
            raise UsageError(f"--cluster {address}: expected local:N with N at least 1, e.g. local:2, or the address of a scheduler.")
        options = {"n_workers": int(count), "threads_per_worker": 1, "dashboard_address": None, "silence_logs": logging.CRITICAL}
        with distributed.LocalCluster(**options) as cluster, distributed.Client(cluster) as client:
            yield client
        return
    try:
        client = distributed.Client(address, timeout=_CONNECT_SECONDS)
    except (OSError, ValueError) as error:
        raise DeviceError(
            f"--cluster {address}: no Dask scheduler answers there ({error}); expected local:N or an address like tcp://host:8786."
        ) from error
    with client:
        yield client


def enhance_one(work: Work, sent: tuple[Network, Settings]) -> Done:
    """What a worker does: read, enhance, write, move into place. Errors that concern this file come back in the result."""
    import fsspec

    network, settings = sent
    with tempfile.TemporaryDirectory(prefix="redmobile-spread-") as folder:
        source, final = Path(folder) / f"source{_ending(work.source)}", Path(folder) / f"final{_ending(work.final)}"
        try:
            with fsspec.open(work.source, "rb") as remote:
                source.write_bytes(remote.read())
        except OSError as error:
            return Done(error=InputError(f"{work.source}: cannot be read ({error})."))
        (outcome,) = enhance_all([Job(source, final)], loaded(network), settings)
        if outcome.error is not None:
            told = str(outcome.error).replace(str(source), work.source).replace(str(final), work.final)
            return Done(seconds=outcome.seconds, error=type(outcome.error)(told))
        data = final.read_bytes()
        try:
            _put(work.final, data)
        except OSError as error:
            return Done(error=OutputError(f"{work.final}: cannot be written ({error})."))
        except OutputError as error:
            return Done(error=error)
        return Done(sha256_bytes(data), len(data), outcome.frames, outcome.seconds, outcome.remarks)


def gather(
    client: Any, work: Callable[..., Any], items: Iterable[T], arguments: Callable[[T], tuple[Any, ...]], sent: Any, failed: Callable[..., Any]
) -> Iterator[tuple[T, Any]]:
    """Each of `items` with work(*arguments(item), sent), as they end; `sent` goes once to each worker.

    A few more than there are workers are on their way at a time. An item on which workers die again and again comes with
    failed(error=ToolError).
    """
    import distributed

    broadcast = client.scatter(sent, broadcast=True)
    waiting = iter(items)
    on_the_way: dict[str, T] = {}

    def submit() -> Any:
        for item in waiting:
            future = client.submit(work, *arguments(item), broadcast, key=f"redmobile-{uuid.uuid4().hex}", pure=False)
            on_the_way[future.key] = item
            return future
        return None

    workers = max(1, len(client.scheduler_info(n_workers=-1)["workers"]))
    first = [future for future in (submit() for _ in range(_AHEAD * workers)) if future is not None]
    ended = distributed.as_completed(first)
    for future in ended:
        more = submit()
        if more is not None:
            ended.add(more)
        item = on_the_way.pop(future.key)
        error = future.exception()
        yield item, future.result() if error is None else failed(error=ToolError(f"{_named(item)}: was given up by the cluster ({_short(error)})."))
        future.release()


class _Manifest:
    """A line of JSON for each result that is there: source, result, its sha256, and the key of all that decided it."""

    def __init__(self, out: str) -> None:
        self._fs, folder = _filesystem(out)
        self._path = f"{folder.rstrip('/')}/{MANIFEST}"
        self._lines: list[str] = []
        if self._fs.exists(self._path):
            with self._fs.open(self._path, "rb") as file:
                self._lines = file.read().decode(errors="replace").splitlines()
        self._keys: dict[str, str] = {}
        for line in self._lines:
            with contextlib.suppress(ValueError, KeyError, TypeError):  # the last line of a run that was cut off
                entry = json.loads(line)
                self._keys[entry["result"]] = entry["key"]

    def holds(self, work: Work, key: str) -> bool:
        """Whether the result is there and was made of the same."""
        return self._keys.get(work.final) == key and bool(self._fs.exists(_filesystem(work.final)[1]))

    def add(self, work: Work, key: str, done: Done) -> None:
        """Write down a result. A local file grows by a line; object stores cannot append and get the whole anew."""
        line = json.dumps({"source": work.source, "result": work.final, "sha256": done.sha256, "bytes": done.size, "key": key}, ensure_ascii=False)
        self._lines.append(line)
        try:
            if _is_local(self._fs):
                Path(self._path).parent.mkdir(parents=True, exist_ok=True)
                with Path(self._path).open("a", encoding="utf-8") as file:
                    file.write(line + "\n")
            else:
                with self._fs.open(self._path, "wb") as remote:
                    remote.write("".join(f"{one}\n" for one in self._lines).encode())
        except OSError as error:
            raise OutputError(f"{self._path}: cannot be written ({error}).") from error


def _below(given: str, out: str) -> list[Work]:
    fs, path = _filesystem(given)
    try:
        facts = fs.find(path, detail=True) if fs.isdir(path) else {path: fs.info(path)}
    except FileNotFoundError as error:
        raise InputError(f"{given}: no such file or folder.") from error
    folder = path.rstrip("/") if fs.isdir(path) else path.rpartition("/")[0]
    works = []
    for name in sorted(facts):
        place = name.removeprefix(folder).lstrip("/")
        if name.lower().endswith(_ENDINGS) and not any(part.startswith(".") for part in place.split("/")):
            works.append(Work(_url(fs, name), f"{_folder_url(out)}/{_result_name(place)}", _stamp(facts[name])))
    if not works:
        raise InputError(f"{given}: holds no pictures or videos ({', '.join(_ENDINGS)}).")
    return works


def _result_name(place: str) -> str:
    folder, slash, name = place.rpartition("/")
    return f"{folder}{slash}{final_name(Path(name))}"


def _folder_url(out: str) -> str:
    fs, path = _filesystem(out)
    return _url(fs, path).rstrip("/")


def _url(fs: Any, path: str) -> str:
    """What names `path` from anywhere: a URL; of files of this machine, the path."""
    return path if _is_local(fs) else str(fs.unstrip_protocol(path))


def _stamp(info: dict[str, Any]) -> str:
    return str([info.get(fact) for fact in ("size", "mtime", "ETag", "etag", "md5Hash", "LastModified")])


def _key(work: Work, network: Network, settings: Settings) -> str:
    return sha256_bytes(repr((work.source, work.stamp, sha256_bytes(network.data), network.runtime, settings)).encode())


@functools.lru_cache(maxsize=2)
def loaded(network: Network) -> ImageModel:
    """The network, loaded once a worker."""
    with tempfile.TemporaryDirectory(prefix="redmobile-network-") as folder:
        file = Path(folder) / network.name
        file.write_bytes(network.data)
        return ImageModel(open_runtime(file, network.runtime, network.threads))


def _put(final: str, data: bytes) -> None:
    """Write `data` to the URL `final`, whole or not at all."""
    fs, path = _filesystem(final)
    if _is_local(fs):
        with output_path(Path(path)) as partial:
            partial.write_bytes(data)
        return
    folder, _, name = path.rpartition("/")
    partial_name = f"{folder}/.{Path(name).stem}.{uuid.uuid4().hex}{_PARTIAL}{_ending(path)}"
    fs.makedirs(folder, exist_ok=True)
    with fs.open(partial_name, "wb") as file:
        file.write(data)
    fs.mv(partial_name, path)


def _sweep(works: Sequence[Work]) -> None:
    """Remove what killed workers left half-written beside the results of `works`, local or not."""
    finals: dict[str, list[str]] = {}
    for work in works:
        folder, _, name = work.final.rpartition("/")
        finals.setdefault(folder, []).append(Path(name).stem)
    for url, stems in finals.items():
        fs, folder = _filesystem(url)
        for path in fs.ls(folder, detail=False) if fs.exists(folder) else []:
            stem, partial, _ = path.rpartition("/")[2].rpartition(_PARTIAL)
            if partial and stem.startswith(".") and stem.removeprefix(".").rpartition(".")[0] in stems:
                with contextlib.suppress(FileNotFoundError):  # a worker that was only thought dead has just ended it
                    fs.rm_file(path)


def _filesystem(url: str) -> tuple[Any, str]:
    try:
        import fsspec
    except ModuleNotFoundError as error:
        raise MissingExtraError("fsspec", "cluster", "--cluster") from error
    try:
        fs, path = fsspec.core.url_to_fs(url)
    except (ValueError, ImportError) as error:
        raise UsageError(f"{url}: fsspec does not know how to open that ({error}).") from error
    return fs, str(path)


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _ending(url: str) -> str:
    return Path(url.rpartition("/")[2]).suffix


def _named(item: Any) -> str:
    return item.source if isinstance(item, Work) else str(item)


def _short(error: BaseException) -> str:
    return f"{type(error).__name__}: {' '.join(str(error).split())[:200]}"
