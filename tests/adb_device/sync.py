"""The service `sync:`: stat, list, push and pull; version 1, and version 2 of stat and list (AOSP's file_sync_protocol.h)."""

import errno
import os
import stat
import struct
from pathlib import Path

CHUNK = 64 * 1024


def serve_sync(stream, root, faults):
    """Answer requests until QUIT. root: the folder that is the device's /. Raises Disconnected."""
    while True:
        name, length = struct.unpack("<4sI", stream.exactly(8))
        if name == b"QUIT":
            return
        _ANSWERS[name](stream, root, stream.exactly(length).decode(), faults)


def _path(root, remote):
    return Path(root) / remote.lstrip("/")


def _stat_v1(stream, root, remote, _):
    try:
        found = _path(root, remote).lstat()
        stream.write(struct.pack("<4s3I", b"STAT", found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime)))
    except OSError:
        stream.write(struct.pack("<4s3I", b"STAT", 0, 0, 0))


def _stat_v2(stream, root, remote, _, name=b"STA2", follow=True):
    path = _path(root, remote)
    try:
        found = path.stat() if follow else path.lstat()
    except OSError as error:
        stream.write(struct.pack("<4sI QQ IIII Q qqq".replace(" ", ""), name, error.errno, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0))
        return
    times = (int(found.st_atime), int(found.st_mtime), int(found.st_ctime))
    fields = (0, found.st_dev, found.st_ino, found.st_mode, found.st_nlink, 2000, 2000, found.st_size, *times)
    stream.write(struct.pack("<4sIQQIIIIQqqq", name, *fields))


def _lstat_v2(stream, root, remote, faults):
    _stat_v2(stream, root, remote, faults, b"LST2", follow=False)


def _list_v1(stream, root, remote, _):
    folder = _path(root, remote)
    for entry in sorted(folder.iterdir()) if folder.is_dir() else ():
        found, name = entry.lstat(), entry.name.encode()
        stream.write(struct.pack("<4s4I", b"DENT", found.st_mode, found.st_size & 0xFFFFFFFF, int(found.st_mtime), len(name)) + name)
    stream.write(struct.pack("<4s4I", b"DONE", 0, 0, 0, 0))


def _fail(stream, text):
    said = text.encode()
    stream.write(struct.pack("<4sI", b"FAIL", len(said)) + said)


def _send(stream, root, spec, faults):
    """PUSH. Like adbd, it goes on reading after a failure, so that the client gets the reason."""
    remote, _, mode = spec.rpartition(",")
    path, came = _path(root, remote), 0
    problem = _create(path)
    while True:
        name, length = struct.unpack("<4sI", stream.exactly(8))
        if name == b"DONE":
            break
        data = stream.exactly(length)
        came += length
        faults.reached("push", came)
        if not problem and came > faults.space_bytes:
            problem = f"write failed: {os.strerror(errno.ENOSPC)}"
        if not problem:
            with path.open("ab") as file:
                file.write(data)
    if problem:
        path.unlink(missing_ok=True)
        _fail(stream, problem)
        return
    path.chmod(stat.S_IMODE(int(mode)) | 0o600)
    os.utime(path, (length, length))
    if faults.damages_pushes:
        path.write_bytes(path.read_bytes()[:-1] + b"\0")
    stream.write(struct.pack("<4sI", b"OKAY", 0))


def _create(path):
    """An empty file at `path`, or why there can be none."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    except OSError as error:
        return f"couldn't create file: {os.strerror(error.errno)}"
    return ""


def _receive(stream, root, remote, faults):
    """PULL."""
    path, sent = _path(root, remote), 0
    if not path.is_file():
        _fail(stream, f"open failed: {os.strerror(errno.ENOENT)}")
        return
    with path.open("rb") as file:
        while data := file.read(CHUNK):
            stream.write(struct.pack("<4sI", b"DATA", len(data)) + data)
            sent += len(data)
            faults.reached("pull", sent)
    stream.write(struct.pack("<4sI", b"DONE", 0))


_ANSWERS = {
    b"STAT": _stat_v1,
    b"STA2": _stat_v2,
    b"LST2": _lstat_v2,
    b"LIST": _list_v1,
    b"SEND": _send,
    b"RECV": _receive,
}
