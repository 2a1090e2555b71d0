"""The device: listens, trusts or not, opens services; its faults; its folder with Android's files and tools."""

import contextlib
import dataclasses
import re
import shutil
import socket
import threading
import time
from pathlib import Path

from adb_device import trust
from adb_device.shell import Shell
from adb_device.sync import serve_sync
from adb_device.wire import AUTH, CLSE, CNXN, MAX_DATA, OKAY, OPEN, VERSION_SKIPS_CHECKSUMS, WRTE, Disconnected, Link, Stream

FEATURES = "shell_v2,stat_v2,ls_v2,fixed_push_mkdir"
"""Neither cmd nor abb: adb then installs by pushing the file and calling pm."""

PROPERTIES = {
    "ro.product.manufacturer": "Redmobile",
    "ro.product.model": "Test Phone 8",
    "ro.product.name": "testphone",
    "ro.product.device": "testphone",
    "ro.soc.manufacturer": "QTI",
    "ro.soc.model": "SM8550",
    "ro.board.platform": "kalama",
    "ro.product.cpu.abilist": "arm64-v8a,armeabi-v7a,armeabi",
    "ro.build.version.release": "14",
    "ro.build.version.sdk": "34",
    "ro.build.fingerprint": "redmobile/testphone/testphone:14/UQ1A/1:user/release-keys",
    "ro.build.version.security_patch": "2024-05-01",
}
CORES_KHZ = (2016000, 2016000, 2016000, 2803200, 2803200, 2803200, 2803200, 3187200)
"""Greatest clock of each core: small, middle and one large."""


@dataclasses.dataclass(frozen=True)
class Cut:
    """Pull the cable out.

    during: 'push' or 'pull' (after so many bytes), 'command' (when one that matches `pattern` is told), or 'output' (when a line of it matches).
    """

    during: str
    after_bytes: int = 1
    pattern: str = ""


class Faults:
    """What is wrong with the device; each may be set at any time."""

    def __init__(self):
        self.trusts = True
        self.silent = False
        self.space_bytes = 1 << 40
        self.damages_pushes = False
        self.slow_s = 0.0
        self.cut = None
        self.on_command = lambda _: None
        self.pull_the_cable = lambda: None

    def reached(self, during, count):
        """So many bytes have been pushed or pulled."""
        time.sleep(self.slow_s)
        if self.cut and self.cut.during == during and count >= self.cut.after_bytes:
            self._out()

    def told(self, command):
        """A command is about to run."""
        time.sleep(self.slow_s)
        self.on_command(command)
        if self.cut and self.cut.during == "command" and re.search(self.cut.pattern, command):
            self._out()

    def said(self, line):
        """A line is about to be written."""
        if self.cut and self.cut.during == "output" and re.search(self.cut.pattern, line.decode(errors="replace")):
            self._out()

    def _out(self):
        self.pull_the_cable()
        raise Disconnected


class Phone:
    """A device with the folder `root`; `with Phone(root) as phone:` listens on phone.port until the block ends.

    tools: name → function(arguments) → (exit code, text), for programs that are played in Python; those of bin/ are small scripts.
    """

    def __init__(self, root, tools=None):
        self.root = Path(root)
        self.faults = Faults()
        self.faults.pull_the_cable = self.pull_the_cable
        self.tools = dict(tools or {})
        self.commands = []
        self.services = []
        self._keys = []
        self._links = []
        self._gone = False
        self._back = 0.0
        self._furnish()

    @property
    def serial(self):
        """What adb calls it."""
        return f"127.0.0.1:{self.port}"

    def __enter__(self):
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()
        threading.Thread(target=self._play_tools, daemon=True).start()
        return self

    def __exit__(self, *_):
        self._gone = True
        self._listener.shutdown(socket.SHUT_RDWR)  # closing alone leaves accept() waiting
        self._listener.close()
        self.pull_the_cable()

    def pull_the_cable(self, *, for_s=None):
        """The device is gone, and stays away; or comes back after so many seconds."""
        self._back = time.monotonic() + (1e9 if for_s is None else for_s)
        for link in self._links:
            link.cut()

    def path(self, remote):
        """Where `remote` lies on this machine."""
        return self.root / remote.lstrip("/")

    def write(self, remote, text):
        """Make a file of the device."""
        self.path(remote).parent.mkdir(parents=True, exist_ok=True)
        self.path(remote).write_text(text)

    def set_property(self, name, value):
        """What getprop says from now on."""
        (self.root / "state/properties" / name).write_text(value + "\n")

    def log(self, tag, text, level="I"):
        """A line of logcat."""
        with (self.root / "state/log").open("a") as file:
            file.write(f"{time.strftime('%m-%d %H:%M:%S')}.000 {level}/{tag}( 4242): {text}\n")

    def install(self, package):
        """Let pm know an app."""
        with (self.root / "state/packages").open("a") as file:
            file.write(package + "\n")

    def log_of(self, tool):
        """How the tool was called, one line a call."""
        path = self.root / "state/calls" / tool
        return path.read_text().splitlines() if path.exists() else []

    def _furnish(self):
        for folder in ("data/local/tmp", "sdcard/Android/data", "state/properties", "state/calls", "state/requests", "proc"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        shutil.copytree(Path(__file__).with_name("bin"), self.root / "bin", dirs_exist_ok=True)
        for script in (self.root / "bin").iterdir():
            script.chmod(0o755)
        for name, value in PROPERTIES.items():
            self.set_property(name, value)
        for core, khz in enumerate(CORES_KHZ):
            folder = f"/sys/devices/system/cpu/cpu{core}/cpufreq"
            self.write(f"{folder}/scaling_governor", "walt\n")
            self.write(f"{folder}/scaling_cur_freq", f"{khz // 2}\n")
            self.write(f"{folder}/cpuinfo_max_freq", f"{khz}\n")
            self.write(f"{folder}/cpuinfo_min_freq", "307200\n")
        self.write("/sys/devices/system/cpu/possible", "0-7\n")
        self.write("/proc/cpuinfo", "Features\t: fp asimd crc32 atomics fphp asimdhp asimddp i8mm\nHardware\t: Qualcomm Technologies, Inc KALAMA\n")
        self.write("/proc/meminfo", "MemTotal:       11534336 kB\nMemAvailable:    5767168 kB\n")
        (self.root / "state/log").touch()
        (self.root / "state/packages").touch()
        (self.root / "state/thermal").write_text("0 38.5 52.0 31.0\n")
        (self.root / "state/battery").write_text("level 82\ntemperature 310\nstatus 3\npowered false\n")

    def _accept(self):
        while not self._gone:
            try:
                connected, _ = self._listener.accept()
            except OSError:
                return
            if time.monotonic() < self._back:
                connected.close()
                continue
            link = Link(connected)
            self._links.append(link)
            threading.Thread(target=self._talk, args=(link,), daemon=True).start()

    def _talk(self, link):
        streams = {}
        with contextlib.suppress(Disconnected):
            self._greet(link)
            while True:
                self._take(link, link.receive(), streams)
        for stream in streams.values():
            stream.came(None)
        link.cut()

    def _greet(self, link):
        while link.receive().command != CNXN:
            pass
        while self.faults.silent:
            link.receive()
        self._prove(link)
        facts = ";".join(f"{name}={PROPERTIES[name]}" for name in ("ro.product.name", "ro.product.model", "ro.product.device"))
        link.send(CNXN, VERSION_SKIPS_CHECKSUMS, MAX_DATA, f"device::{facts};features={FEATURES}".encode())

    def _prove(self, link):
        """Until the other side has signed with a key that is trusted, or has sent one that the person in front of the device allows."""
        token = trust.new_token()
        link.send(AUTH, trust.TOKEN, 0, token)
        while True:
            answer = link.receive()
            if answer.command != AUTH:
                continue
            if answer.arg0 == trust.PUBLIC_KEY and self.faults.trusts:
                self._keys.append(trust.parse_public_key(answer.data))
                return
            if answer.arg0 == trust.SIGNATURE:
                if self.faults.trusts and any(trust.is_signed(token, answer.data, key) for key in self._keys):
                    return
                token = trust.new_token()
                link.send(AUTH, trust.TOKEN, 0, token)

    def _take(self, link, packet, streams):
        ours = packet.arg1
        if packet.command == OPEN:
            self._open(link, packet.arg0, packet.data.rstrip(b"\0").decode(), streams)
        elif packet.command == WRTE and ours in streams:
            streams[ours].came(packet.data)
        elif packet.command == OKAY and ours in streams:
            streams[ours].okay()
        elif packet.command == CLSE and ours in streams:
            streams.pop(ours).came(None)

    def _open(self, link, remote, service, streams):
        self.services.append(service)
        local = len(self.services)
        serve = self._service(service)
        if serve is None:
            link.send(CLSE, 0, remote)
            return
        streams[local] = stream = Stream(link, local, remote, MAX_DATA)
        link.send(OKAY, local, remote)
        threading.Thread(target=_serve, args=(serve, stream), daemon=True).start()

    def _service(self, service):
        """What answers a service; None: this device does not offer it (abb, reboot, …)."""
        name, _, argument = service.partition(":")
        kind, *options = name.split(",")
        if kind == "sync":
            return lambda stream: serve_sync(stream, self.root, self.faults)
        if kind in {"shell", "exec"} and argument:
            self.commands.append(argument)
            shell = Shell(self.root, {}, self.faults)
            return lambda stream: shell.serve(stream, argument, protocol_v2="v2" in options)
        return None

    def _play_tools(self):
        """Answer the calls that bin/call left in state/requests."""
        requests = self.root / "state/requests"
        while not self._gone:
            for asked in sorted(requests.glob("*.in")):
                tool, *arguments = asked.read_text().replace(str(self.root), "").split("\n")[:-1]
                asked.unlink()
                code, text = self.tools[tool](arguments) if tool in self.tools else (127, f"/system/bin/sh: {tool}: inaccessible or not found\n")
                asked.with_suffix(".code").write_text(str(code))
                asked.with_suffix(".tmp").write_text(text)
                asked.with_suffix(".tmp").rename(asked.with_suffix(".out"))
            time.sleep(0.005)


def _serve(serve, stream):
    with contextlib.suppress(Disconnected):
        serve(stream)
        stream.close()
