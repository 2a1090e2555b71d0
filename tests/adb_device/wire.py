"""Packets and streams, as in AOSP's packages/modules/adb/protocol.txt: 24 bytes of header, then data; a WRTE waits for its OKAY."""

import contextlib
import dataclasses
import queue
import socket
import struct
import threading

HEADER = struct.Struct("<6I")
CNXN, AUTH, OPEN, OKAY, WRTE, CLSE = (int.from_bytes(name, "little") for name in (b"CNXN", b"AUTH", b"OPEN", b"OKAY", b"WRTE", b"CLSE"))
VERSION_SKIPS_CHECKSUMS = 0x01000001
MAX_DATA = 256 * 1024


class Disconnected(Exception):  # noqa: N818 - an event, not a mistake
    """The cable is out, or the other side closed."""


@dataclasses.dataclass(frozen=True)
class Packet:
    """One message."""

    command: int
    arg0: int
    arg1: int
    data: bytes = b""

    def encode(self):
        """With the sum of the data as checksum, which older clients want."""
        checksum = sum(self.data) & 0xFFFFFFFF if self.command in {CNXN, AUTH} else 0
        return HEADER.pack(self.command, self.arg0, self.arg1, len(self.data), checksum, self.command ^ 0xFFFFFFFF) + self.data


class Link:
    """The connection to one adb server: whole packets in and out."""

    def __init__(self, connected):
        self._socket = connected
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._writing = threading.Lock()

    def send(self, *fields):
        """Send a Packet of these fields."""
        try:
            with self._writing:
                self._socket.sendall(Packet(*fields).encode())
        except OSError as error:
            raise Disconnected from error

    def receive(self):
        """The next packet; its magic must be right."""
        command, arg0, arg1, length, _, magic = HEADER.unpack(self._exactly(HEADER.size))
        if magic != command ^ 0xFFFFFFFF:
            raise Disconnected
        return Packet(command, arg0, arg1, self._exactly(length))

    def cut(self):
        """Pull the cable out."""
        with contextlib.suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()

    def _exactly(self, count):
        parts = bytearray()
        while len(parts) < count:
            try:
                part = self._socket.recv(min(count - len(parts), 1 << 16))
            except OSError as error:
                raise Disconnected from error
            if not part:
                raise Disconnected
            parts += part
        return bytes(parts)


class Stream:
    """One opened service. Reading blocks; writing waits for the other side's OKAY."""

    def __init__(self, link, local, remote, max_data):
        self._link, self._local, self._remote, self._max = link, local, remote, max_data
        self._came = queue.Queue()
        self._may_write = threading.Semaphore(1)
        self._open = True
        self._buffer = b""

    def came(self, data):
        """The reader of the link hands over what came; None: closed."""
        if data is None:
            self._open = False
            self._may_write.release()
        self._came.put(data)

    def okay(self):
        """The other side has taken the last WRTE."""
        self._may_write.release()

    def read(self):
        """What comes next, and the OKAY for it. Raises Disconnected at the end."""
        data = self._came.get()
        if data is None:
            raise Disconnected
        self._link.send(OKAY, self._local, self._remote)
        return data

    def exactly(self, count):
        """`count` bytes."""
        while len(self._buffer) < count:
            self._buffer += self.read()
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken

    def write(self, data):
        """All of `data`."""
        for at in range(0, len(data), self._max):
            self._may_write.acquire()
            if not self._open:
                raise Disconnected
            self._link.send(WRTE, self._local, self._remote, bytes(data[at : at + self._max]))

    def close(self):
        """Say that nothing more comes."""
        if self._open:
            self._open = False
            self._link.send(CLSE, self._local, self._remote)
