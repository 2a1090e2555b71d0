"""Run one driver on one job: `PYTHON -P drive.py DRIVER JOB.json STARTED`, with the interpreter of the converter's own environment.

Without a job the driver is only imported, so that its packages are compiled before anything is timed.

-P: the folder of this file must not be searched for modules, for a driver may have the name of the package that it imports.

A driver is a file with two names: PACKAGES, the distributions whose versions decide its results, and convert(job), which gives the path
of the file it made. An exception ends the process; its traceback is the log's end.
"""

from __future__ import annotations

import dataclasses
import importlib.metadata
import importlib.util
import json
import sys
import time
from pathlib import Path
from types import ModuleType

PACKAGE = Path(__file__).resolve().parents[3]


def main(driver: str, job_file: str = "", started: str = "0") -> None:
    """Carry out the job and leave its answer beside it. started: of the process, as time.time() gives it."""
    _make_importable("redmobile", PACKAGE / "__init__.py")
    loaded = _make_importable("redmobile_foreign_driver", Path(driver))
    if job_file:
        _carry_out(loaded, Path(job_file), float(started))


def _carry_out(driver: ModuleType, job_file: Path, started: float) -> None:
    from redmobile.bench.peers.drivers.protocol import ANSWER, Answer, Job

    imported = time.time() - started
    job = Job.read(job_file)
    made: Path = driver.convert(job)
    seconds = made.stat().st_mtime - started  # some converters go on to write files that nobody asked for: what counts is this one
    versions = {package: importlib.metadata.version(package) for package in driver.PACKAGES}
    answer = Answer(str(made.relative_to(job.folder)), imported, seconds, versions)
    partial = job_file.with_name(f"{ANSWER}.partial")
    partial.write_text(json.dumps(dataclasses.asdict(answer)), encoding="utf-8")
    partial.replace(job_file.with_name(ANSWER))


def _make_importable(name: str, file: Path) -> ModuleType:
    """Import `file` as `name`: this one package, and not the folder it lies in, which may hold a whole other environment."""
    if name in sys.modules:
        return sys.modules[name]
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        sys.exit(f"{file}: cannot be imported; the path of a Python file was expected.")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


if __name__ == "__main__":
    main(*sys.argv[1:])
