"""Installing, repairing and removing, without a network; and the command."""

import json
import os
import shutil
import sys

import pytest

from redmobile import cli
from redmobile.core.device import CpuFacts, load_device
from redmobile.core.results import write_json
from redmobile.emulator import plugin_build, system, tools
from redmobile.emulator.arm_files import write_arm_files
from redmobile.emulator.cpus import cpu_names, load_cpu
from redmobile.emulator.debian import Apt
from redmobile.emulator.system import System
from redmobile.emulator.tree import tree_sha256
from redmobile.errors import DeviceError, DocumentError, ToolError


@pytest.fixture
def call(monkeypatch, capsys, tmp_path):
    """Arguments → (exit code, stdout, stderr), with a cache of its own."""
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path / "cache"))

    def run(*arguments):
        monkeypatch.setattr(sys, "argv", ["redmobile", "emulator", *arguments])
        with pytest.raises(SystemExit) as ended:
            cli.main()
        said = capsys.readouterr()
        return ended.value.code, said.out, said.err

    return run


@pytest.fixture
def pieces(tmp_path, monkeypatch):
    """A system whose pieces are there, each a folder of one file, the engines in this machine's version of LiteRT."""
    monkeypatch.setattr(system, "version_of", lambda _: "2.3.0")
    made = System(tmp_path / "cache" / "emulator")
    made.folder.mkdir(parents=True)
    for name in ("debian", "engines"):
        (made.folder / f"{name}.partial").mkdir()
        (made.folder / f"{name}.partial" / "file").write_text(name)
        made._put(name, made.folder / f"{name}.partial", {"ai_edge_litert": "2.3.0"} if name == "engines" else {"x": "1"})
    return made


def states(made):
    return {piece.name: piece.state for piece in made.status().pieces}


def test_pieces_are_ready_damaged_missing_or_of_another_version(pieces, monkeypatch):
    assert set(states(pieces).values()) == {"ready"}
    (pieces.folder / "engines" / "file").write_text("changed")
    (pieces.folder / "debian" / "file").unlink()
    (pieces.folder / "debian").rmdir()
    assert states(pieces) == {"debian": "missing", "engines": "damaged"}
    monkeypatch.setattr(system, "version_of", lambda _: "2.4.0")
    assert states(pieces)["engines"] == "another version"
    with pytest.raises(DeviceError, match=r"has ai-edge-litert 2\.3\.0, this machine 2\.4\.0: redmobile emulator install"):
        pieces.require()


@pytest.mark.usefixtures("host")
def test_what_could_be_made_is_kept_where_something_else_failed(pieces, monkeypatch, tmp_path):
    """Installed again, it makes only what is lacking, and tries the engines before it says that all is well."""

    def wheels(requirements, site):
        assert requirements == ("ai-edge-litert==2.3.0", "tflite-runtime==2.14.0", "numpy<2")
        (site / "ai_edge_litert-2.3.0.dist-info").mkdir(parents=True)

    monkeypatch.setattr(system.wheels, "fetch_wheels", wheels)
    shutil.rmtree(pieces.folder / "debian")
    shutil.rmtree(pieces.folder / "engines")
    with pytest.raises(ToolError, match="Debian's arm64 packages cannot be fetched"):
        pieces.install(f"file://{tmp_path}/nothing")
    assert states(pieces) == {"debian": "missing", "engines": "ready"}
    (pieces.folder / "debian.partial").mkdir()
    pieces._put("debian", pieces.folder / "debian.partial", {})
    for _ in range(2):
        with pytest.raises(ToolError, match="The emulated Python cannot import the engines"):
            pieces.install()


def test_half_a_document_counts_as_nothing(pieces):
    (pieces.folder / "system.json").write_text('{"debian": {"con')
    assert set(states(pieces).values()) == {"missing"}
    write_json(pieces.folder / "system.json", {"debian": {"wrong": 1}})
    assert set(states(pieces).values()) == {"missing"}


def test_a_tree_is_known_by_names_contents_and_links(tmp_path):
    (tmp_path / "a").write_text("1")
    first = tree_sha256(tmp_path)
    (tmp_path / "b").symlink_to("a")
    second = tree_sha256(tmp_path)
    (tmp_path / "a").rename(tmp_path / "c")
    assert len({first, second, tree_sha256(tmp_path)}) == 3


def test_removing_leaves_nothing(call, pieces):
    assert pieces.folder.is_dir()
    code, out, _ = call("remove")
    assert (code, out) == (0, "Removed 0 MB.\n")
    assert not pieces.folder.exists()
    assert call("remove", "--json")[1] == '{\n  "removed_bytes": 0\n}\n'


def test_status_where_nothing_is_installed(call):
    code, out, err = call("status")
    assert code == DeviceError.exit_code
    assert "missing" in out
    assert "redmobile emulator install" in err or "apt-get install" in err
    assert err.count("\n") == 1
    assert json.loads(call("status", "--json")[1])["ready"] is False


def test_missing_debian_packages_come_with_their_line(call, monkeypatch):
    there = {"gcc", "apt-get", "dpkg-deb"}
    monkeypatch.setattr(tools.shutil, "which", lambda program: program if program in there else None)
    code, _, err = call("install")
    assert code == DeviceError.exit_code
    assert "Emulating ARM needs Debian packages that are missing here: " in err
    assert "apt-get install qemu-user" in err
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    assert "sudo apt-get install qemu-user" in call("install")[2]
    there.clear()
    assert "Emulating ARM needs Debian or a system made from it" in call("install")[2]


@pytest.mark.usefixtures("host")
def test_a_mirror_that_is_not_there(call, tmp_path):
    code, _, err = call("install", "--mirror", f"file://{tmp_path}/nothing")
    assert code == ToolError.exit_code
    assert err.count("\n") == 1
    assert "Debian's arm64 packages cannot be fetched" in err
    assert "apt-get ended with 100" in err


@pytest.fixture
def host():
    if tools.missing_packages():
        pytest.skip(f"Debian packages are missing: {', '.join(tools.missing_packages())}")


@pytest.mark.usefixtures("host")
def test_apt_touches_nothing_of_the_machine(tmp_path):
    apt = Apt(tmp_path)
    configuration = apt._configuration()
    paths = [line.split('"')[1] for line in configuration.splitlines() if line.startswith("Dir::")]
    assert len(paths) >= 10
    assert all(path in {"", "/dev/null"} or path.startswith(str(tmp_path)) for path in paths)


@pytest.mark.usefixtures("host")
def test_no_room(call, monkeypatch):
    monkeypatch.setattr(system, "_NEEDED_MIB", 10**9)
    code, _, err = call("install")
    assert code == ToolError.exit_code
    assert "needs 1000000000 MiB under" in err
    assert "REDMOBILE_CACHE" in err


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("status", "--mirror", "x"), "--mirror: does not belong to status."),
        (("install", "program"), "install takes no program, found 'program'."),
        (("count", "--on", "cortex-a76"), "Say what is counted, and where"),
        (("count", "--", "program"), "Say what is counted, and where"),
    ],
)
def test_options_that_do_not_fit(call, arguments, said):
    code, _, err = call(*arguments)
    assert code == 2
    assert said in err


@pytest.fixture
def fake_qemu(monkeypatch, tmp_path):
    """(version, help) → a qemu-aarch64 on PATH that says so."""

    def make(version, options):
        program = tmp_path / "bin" / "qemu-aarch64"
        program.parent.mkdir(exist_ok=True)
        program.write_text(f"#!/bin/sh\n[ $1 = -h ] && echo '{options}' || echo '{version}'\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")

    return make


def test_a_qemu_without_plugins_or_version(fake_qemu, tmp_path):
    fake_qemu("qemu-aarch64 version 10.0.13 (Debian)", "-cpu model")
    with pytest.raises(ToolError, match=r"qemu-aarch64 10\.0 was built without plug-ins, as Debian 13's is"):
        plugin_build.build_plugin(tmp_path)
    fake_qemu("qemu-aarch64 version 4.1.0", "-plugin file")
    with pytest.raises(ToolError, match=r"qemu-aarch64 4\.1 knows no plug-ins; at least 4\.2 is needed"):
        plugin_build.build_plugin(tmp_path)
    fake_qemu("something else", "-plugin file")
    with pytest.raises(ToolError, match="says no version"):
        plugin_build.build_plugin(tmp_path)


def test_linux_says_what_qemu_plays(tmp_path):
    _, cpu = load_cpu("qemu:cortex-a53")
    write_arm_files(cpu, tmp_path, cores=2)
    told = (tmp_path / "proc" / "cpuinfo").read_text()
    assert told.count("CPU part\t: 0xd03\n") == 2
    assert "CPU implementer\t: 0x41\n" in told
    assert "asimddp" not in told
    assert (tmp_path / "sys/devices/system/cpu/possible").read_text() == "0-1\n"
    assert (tmp_path / "sys/devices/system/cpu/cpu1/cpufreq/cpuinfo_max_freq").read_text() == "1000000\n"


def test_every_figure_of_every_processor_has_a_source():
    for name in cpu_names():
        facts = load_device(name).cpu
        figures = [getattr(facts, field) for field in CpuFacts.__struct_fields__ if hasattr(getattr(facts, field), "source")]
        assert all(len(figure.source) > 10 for figure in (*figures, *facts.caches))
        assert name == "max" or len(figures) >= 5


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ("level = 2", "Expected caches of level 1, 2, … in this order"),
        ("ways = 3", "Expected caches whose sets are a power of two in number"),
        ("bytes = 0", "Expected `int` >= 1"),
    ],
)
def test_caches_that_are_none(tmp_path, change, says):
    cache = {"level": "level = 1", "bytes": "bytes = 4096", "ways": "ways = 2", "line_bytes": "line_bytes = 64", "source": 'source = "s"'}
    cache[change.split(" ")[0]] = change
    own = tmp_path / "own.toml"
    own.write_text(
        'says = "s"\nname = "n"\n[cpu]\nemulated_as = "max"\n[cpu.processor]\nimplementer = 1\nvariant = 1\npart = 1\nrevision = 1\nfeatures = []\n'
        "[[cpu.caches]]\n" + "\n".join(cache.values())
    )
    with pytest.raises(DocumentError, match=says):
        load_cpu(str(own))
