"""Files are whole or absent: after an error, a kill -9, a full disk."""

import errno
import os
import resource
import signal
import stat
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest

from redmobile.core.artifact import output_path, read_bytes, sha256_bytes, sha256_file, write_bytes, write_text
from redmobile.errors import InputError, OutputError


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_writes_the_content_with_the_usual_permissions_and_creates_folders(tmp_path):
    final = tmp_path / "a" / "b" / "file.txt"
    write_text(final, "grün")
    assert final.read_bytes() == "grün".encode()
    mask = os.umask(0)
    os.umask(mask)
    assert stat.S_IMODE(final.stat().st_mode) == 0o666 & ~mask


def test_the_temporary_file_stands_beside_the_final_one_and_keeps_its_suffix(tmp_path):
    with output_path(tmp_path / "clip.mp4") as partial:
        assert partial.parent == tmp_path
        assert partial.suffix == ".mp4"
        assert partial.name.startswith(".clip.")
        partial.write_bytes(b"x")
    assert _names(tmp_path) == ["clip.mp4"]


def test_an_error_leaves_nothing_new_and_harms_nothing_old(tmp_path):
    final = tmp_path / "file.bin"
    write_bytes(final, b"old")

    def fail_half_way():
        with output_path(final) as partial:
            partial.write_bytes(b"half")
            raise ValueError("in the middle")

    with pytest.raises(ValueError, match="in the middle"):
        fail_half_way()
    assert _names(tmp_path) == ["file.bin"]
    assert final.read_bytes() == b"old"


def test_interrupting_removes_the_temporary_file(tmp_path):
    def interrupt():
        with output_path(tmp_path / "file.bin"):
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupt()
    assert _names(tmp_path) == []


def test_kill_9_in_the_middle_leaves_the_old_file_as_it_was(tmp_path):
    final = tmp_path / "file.bin"
    write_bytes(final, b"old")
    script = textwrap.dedent(f"""
        import time
        from pathlib import Path
        from redmobile.core.artifact import output_path
        with output_path(Path({str(final)!r})) as partial:
            partial.write_bytes(b"half")
            print("half written", flush=True)
            time.sleep(60)
    """)
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout.readline() == "half written\n"
        process.send_signal(signal.SIGKILL)
        assert process.wait() == -signal.SIGKILL
    assert final.read_bytes() == b"old"
    others = [path.name for path in tmp_path.iterdir() if path != final]
    assert all(name.startswith(".file.") and name.endswith(".partial.bin") for name in others)


def _write_with_limited_file_size(final: Path, limit: int, size: int) -> subprocess.CompletedProcess:
    """In a process whose files may have at most `limit` bytes; its write then fails as on a full disk."""
    script = textwrap.dedent(f"""
        from pathlib import Path
        from redmobile.core.artifact import write_bytes
        from redmobile.errors import OutputError
        try:
            write_bytes(Path({str(final)!r}), bytes({size}))
        except OutputError as error:
            print(error)
            raise SystemExit(error.exit_code)
    """)

    def limit_files():
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))

    return subprocess.run([sys.executable, "-c", script], preexec_fn=limit_files, capture_output=True, text=True, check=False)


def test_a_write_that_finds_no_room_is_one_line_and_harms_nothing(tmp_path):
    final = tmp_path / "file.bin"
    write_bytes(final, b"old")
    ended = _write_with_limited_file_size(final, limit=10_000, size=1_000_000)
    assert ended.returncode == OutputError.exit_code
    assert len(ended.stdout.splitlines()) == 1
    assert os.strerror(errno.EFBIG) in ended.stdout
    assert final.read_bytes() == b"old"
    assert _names(tmp_path) == ["file.bin"]


@pytest.mark.skipif(not os.access("/dev/full", os.W_OK), reason="this system has no /dev/full")
def test_a_full_disk_is_an_output_error(tmp_path):
    def write_to_a_full_device():
        with output_path(tmp_path / "file.bin"), open("/dev/full", "wb", buffering=0) as full:  # noqa: PTH123 - as another writer would
            full.write(b"x")

    with pytest.raises(OutputError, match=os.strerror(errno.ENOSPC)):
        write_to_a_full_device()
    assert _names(tmp_path) == []


def test_a_folder_is_no_place_for_a_file(tmp_path):
    with pytest.raises(OutputError, match="is a folder"):
        write_bytes(tmp_path, b"x")
    with pytest.raises(InputError, match="is a folder"):
        read_bytes(tmp_path)


def test_a_file_cannot_hold_a_file(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(OutputError, match="cannot be written"):
        write_bytes(tmp_path / "file" / "below", b"x")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_permission_is_an_output_error(tmp_path):
    tmp_path.chmod(0o500)
    with pytest.raises(OutputError, match="cannot be written"):
        write_bytes(tmp_path / "file", b"x")


def test_a_missing_file_is_an_input_error(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        read_bytes(tmp_path / "absent")


def test_sha256_is_that_of_the_content(tmp_path):
    write_bytes(tmp_path / "abc", b"abc")
    assert sha256_file(tmp_path / "abc") == sha256_bytes(b"abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_readers_never_see_half_a_file(tmp_path):
    final = tmp_path / "file.bin"
    write_bytes(final, b"a" * 100_000)
    writer = subprocess.Popen(
        [
            sys.executable,
            "-c",
            textwrap.dedent(f"""
                from pathlib import Path
                from redmobile.core.artifact import write_bytes
                for round in range(50):
                    write_bytes(Path({str(final)!r}), (b"a" if round % 2 else b"b") * 100_000)
            """),
        ]
    )
    sizes = set()
    until = time.monotonic() + 60
    while writer.poll() is None and time.monotonic() < until:
        sizes.add(len(final.read_bytes()))
    assert writer.wait() == 0
    assert sizes <= {100_000}
