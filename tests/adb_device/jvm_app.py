"""Plays the demo app's process on the device with the app's own classes, on the JVM: what `am start` opens is the real benchmark activity."""

import contextlib
import json
import re
import subprocess

from adb_device.demo_app import FILES, DemoApp

_ACTIVITY = "dev.redmobile.demo.benchmark.AmStart"
_LOG = re.compile(r"(?P<level>[VDIWEF])/(?P<tag>\w+): (?P<text>.*)$")
"""A line of logcat as Robolectric prints it."""

_LAST_WORDS = 12


class JvmDemoApp(DemoApp):
    """`with JvmDemoApp(phone, app)`: `am start` is a Java process that lives until the run has ended; `am force-stop` kills it.

    app: of redmobile.android.jvm_tests.prepare_jvm.
    """

    def __init__(self, phone, app):
        super().__init__(phone, None)
        self.app = app
        self._process = None
        phone.path(FILES).mkdir(parents=True, exist_ok=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._kill()

    def am(self, arguments):
        """See DemoApp."""
        if arguments[0] == "force-stop":
            self._kill()
        else:
            self._arguments = arguments
        return super().am(arguments)

    def _run(self, extras):
        told = {"--es": {}, "--ei": {}, "--ef": {}}
        numbers = {"--es": str, "--ei": int, "--ef": float}
        for kind, name, value in zip(self._arguments, self._arguments[1:], self._arguments[2:]):  # noqa: B905 - two shorter than the first
            if kind in told:
                told[kind][name] = numbers[kind](value)
        if "model" in told["--es"]:
            told["--es"]["model"] = str(self.phone.path(told["--es"]["model"]))
        asked = self.phone.root / "state" / f"{extras['run_id']}.am"
        asked.write_text(json.dumps(told))
        command = self.app.run(_ACTIVITY, redmobile_am_extras=asked, redmobile_am_files=self.phone.path(FILES))
        self._process = process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        said = []
        with process.stdout:
            for line in process.stdout:
                said.append(line.rstrip("\n"))
                if found := _LOG.match(line):
                    self.phone.log(found["tag"], found["text"], found["level"])
        if process.wait() > 0:  # as Android does when an app's thread dies of an exception
            for line in said[-_LAST_WORDS:]:
                self.phone.log("AndroidRuntime", line, "E")
        self._running(False)

    def _kill(self):
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()
            self._process = None
