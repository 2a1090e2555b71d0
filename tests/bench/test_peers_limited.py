"""Commands within limits: what they say is kept, what goes over a limit is stopped with all its processes."""

import contextlib
import sys
import types

import psutil
import pytest

from redmobile.bench.peers import limited
from redmobile.bench.peers.limited import Limits, run_limited
from redmobile.errors import ToolError

ROOMY = Limits(seconds=300, memory_mib=4096)


@pytest.fixture
def call(tmp_path):
    """(Python code, limits) → (Ended, what it said)."""

    def run(code, limits=ROOMY):
        log = tmp_path / "log.txt"
        ended = run_limited([sys.executable, "-c", code], tmp_path, {"PATH": ""}, log, limits)
        return ended, log.read_text()

    return run


def test_done(call):
    ended, said = call("import os, sys; print(os.getcwd()); print('aside', file=sys.stderr); print(sorted(os.environ))")
    assert (ended.end, ended.reason) == ("done", "")
    assert "aside" in said
    assert "HOME" not in said
    assert 0 < ended.seconds < 60


@pytest.mark.parametrize(
    ("code", "reason"),
    [
        ("raise ValueError('too  wide')", "ValueError: too wide"),
        ("print('ERROR: first\\nnp.linalg.LinAlgError: singular\\nERROR: read this'); raise SystemExit(1)", "np.linalg.LinAlgError: singular"),
        ("print('\\x1b[31merror: no such op\\x1b[0m\\nbye'); raise SystemExit(3)", "error: no such op"),
        ("print('one'); print('two'); raise SystemExit(3)", "two"),
        ("raise SystemExit(3)", "ended with 3 and said nothing"),
        ("import os; os.kill(os.getpid(), 9)", "ended by SIGKILL"),
    ],
)
def test_the_reason_of_a_failure_is_one_line(call, code, reason):
    ended, _ = call(code)
    assert (ended.end, ended.reason) == ("failed", reason)


def test_a_long_reason_is_cut(call):
    ended, _ = call("raise ValueError('a' * 1000)")
    assert len(ended.reason) == 240
    assert ended.reason.endswith("…")


def test_what_hangs_is_stopped_with_its_children(call, monkeypatch, tmp_path):
    """Time stands still until it has said what its child is."""
    sleep = "import time; time.sleep(600)"
    parent = f"import subprocess, sys; print(subprocess.Popen([sys.executable, '-c', {sleep!r}]).pid, flush=True); {sleep}"
    log = tmp_path / "log.txt"
    clock = types.SimpleNamespace(monotonic=lambda: 100.0 if log.is_file() and log.read_text().endswith("\n") else 0.0)
    monkeypatch.setattr(limited, "time", clock)
    ended, said = call(parent, Limits(seconds=1.5, memory_mib=4096))
    assert (ended.end, ended.reason) == ("timed out", "did not end within 1.5 s and was stopped")
    with contextlib.suppress(psutil.NoSuchProcess):  # who adopts it may be slow to bury it
        psutil.wait_procs([psutil.Process(int(said))], timeout=60)
    assert not psutil.pid_exists(int(said)) or psutil.Process(int(said)).status() == psutil.STATUS_ZOMBIE


def test_what_eats_memory_is_stopped(call):
    ended, _ = call("import time; kept = bytearray(b'x') * (300 << 20); time.sleep(600)", Limits(seconds=60, memory_mib=200))
    assert (ended.end, ended.reason) == ("out of memory", "held more than 200 MiB of memory and was stopped")


def test_memory_of_children_counts(call, monkeypatch, tmp_path):
    """The child stays until its memory was looked at."""
    looks = limited._resident

    def look(pid):
        if (held := looks(pid)) > 140 << 20:
            (tmp_path / "seen").touch()
        return held

    monkeypatch.setattr(limited, "_resident", look)
    child = f"import os, time; kept = bytearray(b'x') * (80 << 20)\nwhile not os.path.exists({str(tmp_path / 'seen')!r}): time.sleep(0.01)"
    ended, _ = call(f"import subprocess, sys; kept = bytearray(b'x') * (60 << 20); subprocess.run([sys.executable, '-c', {child!r}])")
    assert ended.end == "done"
    assert 140 << 20 < ended.peak_bytes < 400 << 20


def test_what_cannot_be_started_is_named(tmp_path):
    with pytest.raises(ToolError, match=r"no_such_python: cannot be started \(No such file"):
        run_limited([str(tmp_path / "no_such_python")], tmp_path, {}, tmp_path / "log.txt", ROOMY)
