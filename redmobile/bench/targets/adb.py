"""An Android device over adb: a benchmark program that the user names, or the demo app, for each delegate that is asked for."""

from __future__ import annotations

from collections.abc import Mapping

from redmobile.android.benchmark_model import open_tool
from redmobile.android.devices import choose_device
from redmobile.android.facts import check_runs_app, read_facts
from redmobile.bench.header import FORMAT
from redmobile.bench.phone import with_app, with_tool
from redmobile.bench.phone.options import OPTIONS, read_options
from redmobile.bench.phone.with_app import AppBench
from redmobile.bench.phone.with_tool import ToolBench
from redmobile.bench.result import Bundle, Result
from redmobile.bench.target import TARGETS, Assignment, Progress
from redmobile.errors import DeviceError, RedmobileError, UsageError


@TARGETS.register("adb")
class AdbTarget:
    """Implements bench.target.Target. Address: 'adb' for the only device that is connected, or 'adb:SERIAL'."""

    options: Mapping[str, str] = OPTIONS

    def __init__(self, address: str) -> None:
        self._serial = address.partition(":")[2] or None

    def carry_out(self, work: Assignment, on_progress: Progress | None = None) -> Result | Bundle:
        """See Target."""
        options = read_options(work.options)
        if work.device is not None:
            raise UsageError("--device belongs to targets that are emulated or estimated; a phone says itself what it is.")
        if work.peers:
            raise UsageError("--peer: a device measures one network at a time; measure the other one in a run of its own.")
        loop = work.settings.closed_loop
        if options.benchmark_model is None:
            with_app.check(work, options)
        else:
            with_tool.check(work)
        say: Progress = on_progress or (lambda _what, _done, _all: None)
        say("looking for the device", 0, 1)
        device = choose_device(self._serial)
        facts = read_facts(device)
        check_runs_app(device.serial, facts)
        if options.benchmark_model is not None and loop is not None:
            bench: AppBench | ToolBench = ToolBench(work, loop, device, facts, open_tool(options.benchmark_model, facts.abis), options, say)
        else:
            bench = AppBench(work, device, facts, options, say)
        with bench.prepared():
            return _each(bench, work.delegates or ("cpu",))


def _each(bench: AppBench | ToolBench, delegates: tuple[str, ...]) -> Result | Bundle:
    """One result a delegate. What goes wrong with one does not take the others' figures; a device that is gone ends it all."""
    results: list[Result] = []
    problems: list[RedmobileError] = []
    for delegate in delegates:
        try:
            results.append(bench.measure(delegate))
        except RedmobileError as error:
            problems.append(error)
            if isinstance(error, DeviceError):
                break
        if results and results[-1].incomplete:
            break
    if not results:
        raise problems[0]
    if len(delegates) == 1:
        return results[0]
    return Bundle(format=FORMAT, results=tuple(results), incomplete=" ".join(map(str, problems)) or None)
