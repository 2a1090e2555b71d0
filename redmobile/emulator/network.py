"""A network in an engine on an emulated processor: one process of QEMU that is asked again and again."""

from __future__ import annotations

import contextlib
import json
import shutil
import signal
import subprocess
import tempfile
import weakref
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Literal

import numpy as np
from numpy.typing import NDArray

from redmobile import errors
from redmobile.core.device import CpuFacts
from redmobile.core.quant_math import Quantization
from redmobile.core.tensor_spec import TensorSpec, guess_layout
from redmobile.emulator.counts import Counted, read_counts
from redmobile.emulator.program import emulate_python
from redmobile.emulator.system import ENGINE_PACKAGES, System
from redmobile.errors import RedmobileError, ToolError

Engine = Literal["litert", "tflite"]

_GUEST = Path(__file__).resolve().parent / "guest" / "network.py"
_GOODBYE_SECONDS = 120


class EmulatedNetwork:
    """The .tflite at `path`, loaded in `engine` on `cpu`. counting: with our plug-in; `finish` then gives the counts.

    delegate: an aarch64 library that the engine hands the graph to, in place of its own choice; delegate_options: key → value, for it.
    inputs, outputs: as the engine there says; version: the engine's. Close it when it is done with.
    Raises DeviceError (no emulator here), InputError (the engine refuses the file), UnsupportedModelError (the delegate takes nothing of it),
    ToolError (the emulated process dies).
    """

    def __init__(
        self,
        path: Path,
        cpu: CpuFacts,
        *,
        engine: Engine = "litert",
        threads: int = 1,
        delegate: Path | None = None,
        delegate_options: Mapping[str, str] | None = None,
        counting: bool = False,
        system: System | None = None,
    ) -> None:
        self._path = path
        self._where = f"{engine} + {delegate.name}" if delegate else engine
        system = system or System()
        system.require()
        self._folder = Path(tempfile.mkdtemp(prefix="redmobile-emulated-"))
        self._counts = self._folder / "counts.json" if counting else None
        program = emulate_python(
            system,
            cpu,
            [
                str(_GUEST),
                ENGINE_PACKAGES[engine],
                str(path.absolute()),
                str(threads),
                str(delegate.absolute()) if delegate else "",
                json.dumps(dict(delegate_options or {})),
            ],
            counts=self._counts,
        )
        self._complaints = self._folder / "stderr.txt"
        with self._complaints.open("wb") as complaints:
            self._process = subprocess.Popen(
                program.command, env=program.environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=complaints, cwd=self._folder
            )
        self._end = weakref.finalize(self, _end, self._process, self._folder)
        hello = self._answer()
        self.version = system.engine_version(engine)
        self.inputs = tuple(map(_spec, hello["inputs"]))
        self.outputs = tuple(map(_spec, hello["outputs"]))

    def run(self, *arrays: NDArray[Any]) -> tuple[NDArray[Any], ...]:
        """Outputs for one set of inputs, which must be those of `inputs` in number, shape and dtype. Raises DeviceError, ToolError."""
        with contextlib.suppress(BrokenPipeError):  # it died: _answer says how
            self._stdin.write(b'{"run": true}\n')
            for array in arrays:
                self._stdin.write(np.ascontiguousarray(array).tobytes())
            self._stdin.flush()
        self._answer()
        return tuple(self._read(spec) for spec in self.outputs)

    def finish(self) -> Counted:
        """End the process; what was counted, one region a run. Only with counting=True. Raises ToolError."""
        if self._counts is None:
            raise ToolError(f"{self._path}: nothing was counted, for it was opened without counting.")
        with contextlib.suppress(BrokenPipeError):
            self._stdin.close()
        try:
            if self._process.wait(_GOODBYE_SECONDS):
                raise self._died()
            return read_counts(self._counts, str(self._path))
        except subprocess.TimeoutExpired as error:
            raise ToolError(f"{self._path}: the emulated process does not end.") from error
        finally:
            self.close()

    def close(self) -> None:
        """End the process and remove what it left."""
        self._end()

    @property
    def _stdin(self) -> IO[bytes]:
        if self._process.stdin is None:
            raise ToolError("The emulated process has no pipes.")
        return self._process.stdin

    @property
    def _stdout(self) -> IO[bytes]:
        if self._process.stdout is None:
            raise ToolError("The emulated process has no pipes.")
        return self._process.stdout

    def _answer(self) -> dict[str, Any]:
        line = self._stdout.readline()
        if not line:
            raise self._died()
        answer: dict[str, Any] = json.loads(line)
        if "error" in answer:
            self.close()
            what = f"{self._path}: {self._where} on the emulated processor"
            kind: type[RedmobileError] = getattr(errors, answer["kind"])
            raise kind(f"{what} cannot load or run it ({' '.join(answer['error'].split())}).")
        return answer

    def _read(self, spec: TensorSpec) -> NDArray[Any]:
        dtype = np.dtype(spec.dtype)
        size = int(np.prod(spec.shape, dtype=np.int64)) * dtype.itemsize
        data = self._stdout.read(size)
        if len(data) != size:
            raise self._died()
        return np.frombuffer(data, dtype).reshape(spec.shape).copy()

    def _died(self) -> ToolError:
        """How the process ended."""
        code = self._process.wait(_GOODBYE_SECONDS)
        lines = [line for line in self._complaints.read_text(errors="replace").splitlines() if line.strip() and not line.startswith("INFO:")]
        self.close()
        said = f": {lines[-1]}" if lines else ""
        killed = " Out of memory?" if code == -signal.SIGKILL else ""
        return ToolError(f"{self._path}: the emulated process ended with {code}{said}.{killed}")


def _end(process: subprocess.Popen[bytes], folder: Path) -> None:
    process.kill()
    process.wait()
    for pipe in (process.stdin, process.stdout):
        if pipe is not None:
            with contextlib.suppress(BrokenPipeError):
                pipe.close()
    shutil.rmtree(folder, ignore_errors=True)


def _spec(said: dict[str, Any]) -> TensorSpec:
    shape = tuple(said["shape"])
    quantization = None
    if said["scales"]:
        quantization = Quantization(np.array(said["scales"], np.float32), np.array(said["zero_points"], np.int64), said["axis"])
    return TensorSpec(said["name"], shape, said["dtype"], guess_layout(shape), quantization)
