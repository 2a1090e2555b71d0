"""Plays the demo app's benchmark activity on the device, as android_demo/BENCHMARK.md says it behaves."""

import json
import shlex
import threading
import time

PACKAGE = "dev.redmobile.demo"
FILES = f"/sdcard/Android/data/{PACKAGE}/files"


class DemoApp:
    """`phone.tools["am"] = DemoApp(phone, document)`. document: function(extras) → what the run leaves, ready for JSON.

    fails: the sentence of a run that fails; crashes: the words of an exception in the middle of it; is_killed: Android ends it without a word;
    partial: what lies in the .part file then; waits: an Event before the end of the run; mute: says nothing; steps: parts of progress told.
    """

    def __init__(self, phone, document):
        self.phone, self.document = phone, document
        self.fails = self.crashes = ""
        self.is_killed = self.mute = False
        self.partial = None
        self.waits = threading.Event()
        self.waits.set()
        self.steps = (0.25, 0.75)
        self.started = []
        phone.tools["am"] = self.am
        phone.install(PACKAGE)
        (phone.root / "state/running").mkdir()

    def am(self, arguments):
        """Answer `am force-stop PACKAGE` and `am start -n ACTIVITY [--es|--ei|--ef NAME VALUE]…`."""
        if arguments[0] == "force-stop":
            self._running(False)
            return 0, ""
        activity = arguments[arguments.index("-n") + 1]
        if PACKAGE not in (self.phone.root / "state/packages").read_text() or not activity.startswith(PACKAGE):
            return 0, f"Starting: Intent {{ cmp={activity} }}\nError type 3\nError: Activity class {{{activity}}} does not exist.\n"
        extras = {name: value for kind, name, value in zip(arguments, arguments[1:], arguments[2:]) if kind in {"--es", "--ei", "--ef"}}  # noqa: B905
        self.started.append(extras)
        self._running(True)
        threading.Thread(target=self._run, args=(extras,), daemon=True).start()
        return 0, f"Starting: Intent {{ cmp={shlex.quote(activity)} (has extras) }}\n"

    def _run(self, extras):
        run, place = extras.get("run_id", ""), f"{FILES}/benchmark/{extras.get('run_id', '')}.json"
        if self.mute:
            return
        for step in self.steps:
            self.phone.log("redmobile", f"run {run} progress {step:.2f}")
            time.sleep(0.02)
        self.waits.wait(30)
        if self.partial is not None:
            self.phone.write(f"{place}.part", json.dumps(self.partial) if isinstance(self.partial, dict) else self.partial)
        if self.crashes:
            for line in (
                "FATAL EXCEPTION: benchmark",
                f"Process: {PACKAGE}, PID: 4242",
                self.crashes,
                "\tat dev.redmobile.demo.engine.Engine.run(Engine.kt:88)",
            ):
                self.phone.log("AndroidRuntime", line, "E")
        if self.crashes or self.is_killed:
            self._running(False)
            return
        if self.fails:
            self.phone.log("redmobile", f"run {run} failed {self.fails}")
            return
        try:
            document = self.document(extras)
        except Exception as error:  # a mistake in the test's own document must not look like an app that hangs
            self.phone.log("redmobile", f"run {run} failed the test's app has no document: {error!r}")
            raise
        self.phone.write(f"{place}.part", json.dumps(document))
        self.phone.path(f"{place}.part").rename(self.phone.path(place))
        self.phone.log("redmobile", f"run {run} done")

    def _running(self, is_running):
        path = self.phone.root / "state/running" / PACKAGE
        if is_running:
            path.touch()
        else:
            path.unlink(missing_ok=True)
