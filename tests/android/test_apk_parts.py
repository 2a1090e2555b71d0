"""The parts of the APK's way: tools, pins, packing, and what the checks find wrong."""

import struct
import zipfile

import pytest

from redmobile.android.apk import tools
from redmobile.android.apk.checks import alignment_faults, dex_faults, elf_faults
from redmobile.android.apk.downloads import PROFILES, fetch, read_pins
from redmobile.android.apk.pack import Entry, data_offset, entries_of, pack
from redmobile.android.apk.sign import open_keystore
from redmobile.android.model import check_bitmap_model, smaller_models
from redmobile.android.source import find_source
from redmobile.core.artifact import sha256_bytes
from redmobile.errors import DeviceError, DocumentError, InputError, ToolError, UnsupportedModelError, UsageError
from redmobile.graph.tflite_read import read_tflite
from redmobile.shelf import find

ENTRIES = [
    Entry("AndroidManifest.xml", b"manifest" * 9, stored=False),
    Entry("resources.arsc", b"1234567", stored=True),
    Entry("lib/arm64-v8a/liba.so", b"\x7fELF" * 100, stored=True),
    Entry("assets/m.tflite", b"TFL3", stored=True),
]


def test_stored_entries_are_aligned_and_two_packings_are_equal(tmp_path):
    one, two = tmp_path / "one.apk", tmp_path / "two.apk"
    pack(ENTRIES, one)
    pack(ENTRIES, two)
    assert one.read_bytes() == two.read_bytes()
    assert entries_of(one) == ENTRIES
    with zipfile.ZipFile(one) as archive:
        assert archive.testzip() is None
        offsets = {info.filename: data_offset(one, info) for info in archive.infolist()}
        assert offsets["lib/arm64-v8a/liba.so"] % 16384 == 0
        assert offsets["resources.arsc"] % 4 == offsets["assets/m.tflite"] % 4 == 0
        assert list(alignment_faults(one, archive)) == []


def test_another_zip_is_found_to_be_misaligned(tmp_path):
    path = tmp_path / "plain.apk"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("x", b"1")
        archive.writestr("lib/arm64-v8a/liba.so", b"1234")
        archive.writestr("lib/arm64-v8a/libb.so", b"1234" * 99, zipfile.ZIP_DEFLATED)
    with zipfile.ZipFile(path) as archive:
        found = list(alignment_faults(path, archive))
    assert any("liba.so begins at" in fault and "16384" in fault for fault in found)
    assert any("libb.so is compressed" in fault for fault in found)


def _elf(*segments):
    """A 64-bit ELF header with (kind, offset, address, size, align) segments."""
    header = bytearray(64)
    struct.pack_into("<Q", header, 32, 64)
    struct.pack_into("<HH", header, 54, 56, len(segments))
    return bytes(header) + b"".join(
        struct.pack("<IIQQQQQQ", kind, 4, at, address, address, size, size, align) for kind, at, address, size, align in segments
    )


def test_segments_at_4_kb_are_refused():
    assert list(elf_faults("liba.so", _elf((1, 0, 0, 100, 0x4000), (1, 0x1000, 0x5000, 100, 0x4000)))) == []
    (fault,) = elf_faults("liba.so", _elf((1, 0, 0, 100, 0x1000)))
    assert "aligned to 0x1000, not to 0x4000" in fault


def test_a_read_only_part_that_ends_among_data_is_refused():
    relro, data = (0x6474E552, 0x1000, 0x5000, 0x1000, 1), (1, 0x2000, 0x6000, 100, 0x4000)
    (fault,) = elf_faults("liba.so", _elf((1, 0x1000, 0x5000, 0x1000, 0x4000), relro, data))
    assert "shares a page" in fault


def test_call_sites_in_a_dex_file_are_refused():
    def dex(*kinds):
        header = bytearray(112)
        header[:8] = b"dex\n038\0"
        struct.pack_into("<I", header, 52, 112)
        return bytes(header) + struct.pack("<I", len(kinds)) + b"".join(struct.pack("<HHII", kind, 0, 1, 0) for kind in kinds)

    assert list(dex_faults("classes.dex", dex(0, 1, 2, 0x1000))) == []
    assert "invoke-custom" in next(dex_faults("classes.dex", dex(0, 7)))
    assert "no dex file" in next(dex_faults("classes.dex", b"PK"))


def test_every_download_is_pinned_and_a_line_that_is_none_is_named(tmp_path):
    pinned = read_pins(find_source())
    assert set(pinned) == set(PROFILES)
    assert all(files and all(len(sha256) == 64 for sha256 in files.values()) for files in pinned.values())
    (tmp_path / "downloads.sha256").write_text("abc  app/one.jar\nabc  nowhere/two.jar\n")
    with pytest.raises(DocumentError, match="line 2"):
        read_pins(tmp_path)


def test_bytes_that_are_not_as_pinned_are_removed_and_not_used(tmp_path, monkeypatch):
    monkeypatch.setenv("REDMOBILE_CACHE", str(tmp_path / "cache"))
    (tmp_path / "downloads.sha256").write_text(f"{sha256_bytes(b'right')}  bionic/one.jar\n")
    with pytest.raises(DeviceError, match="apt-get install maven"):
        fetch(tmp_path, "bionic", None)
    jar = tmp_path / "cache" / "android" / "jars" / "bionic" / "one.jar"
    jar.parent.mkdir(parents=True)
    jar.write_bytes(b"wrong")
    with pytest.raises(ToolError, match="not the sha256"):
        fetch(tmp_path, "bionic", None)
    assert not jar.exists()
    jar.parent.mkdir()
    jar.write_bytes(b"right")
    assert fetch(tmp_path, "bionic", None) == {"one.jar": jar}


def test_missing_tools_come_with_the_line_that_installs_them(monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    for variable in tools.SDK_VARIABLES:
        monkeypatch.delenv(variable, raising=False)
    with pytest.raises(DeviceError, match=r"apt-get install --no-install-recommends .*maven clang lld aapt apksigner cmake make"):
        tools.find_tools()


def test_the_newest_build_tools_of_an_sdk_come_first(monkeypatch, tmp_path):
    for version in ("9.0.0", "34.0.0"):
        for name in ("aapt2", "d8"):
            program = tmp_path / "build-tools" / version / name
            program.parent.mkdir(parents=True, exist_ok=True)
            program.write_text("#!/bin/sh\n")
            program.chmod(0o755)
    monkeypatch.setenv("ANDROID_HOME", str(tmp_path))
    assert tools.find_program("aapt2") == str(tmp_path / "build-tools" / "34.0.0" / "aapt2")
    assert tools.find_program("d8") == str(tmp_path / "build-tools" / "34.0.0" / "d8")


def test_a_tool_that_fails_is_quoted_and_its_words_are_kept(tmp_path):
    with pytest.raises(ToolError, match=r"trying: sh ended with 3: a.kt:1: error: no such thing"):
        tools.run(["sh", "-c", "echo hello; echo 'a.kt:1: error: no such thing'; exit 3"], "trying", tmp_path / "log")
    assert "hello" in (tmp_path / "log").read_text()
    with pytest.raises(ToolError, match="could not be started"):
        tools.run([str(tmp_path / "nothing")], "trying", tmp_path / "log")
    with pytest.raises(ToolError, match="did not end within"):
        tools.run(["sleep", "5"], "trying", tmp_path / "log", timeout_s=0.1)


def test_a_keystore_must_be_there_and_its_password_known(tmp_path, monkeypatch):
    monkeypatch.delenv("REDMOBILE_KEYSTORE_PASSWORD", raising=False)
    with pytest.raises(InputError, match="keytool -genkeypair"):
        open_keystore(tmp_path / "no.p12", None, None, tmp_path / "log")
    (tmp_path / "my.p12").write_bytes(b"")
    with pytest.raises(UsageError, match="REDMOBILE_KEYSTORE_PASSWORD"):
        open_keystore(tmp_path / "my.p12", None, None, tmp_path / "log")
    monkeypatch.setenv("REDMOBILE_KEYSTORE_PASSWORD", "secret")
    assert "secret" not in repr(open_keystore(tmp_path / "my.p12", "me", None, tmp_path / "log"))


def test_a_model_of_other_pictures_is_refused_with_the_line_that_converts_it(tmp_path):
    with pytest.raises(UnsupportedModelError, match=r"found int8 1×1088×1920×3 .*--io rgba:int8"):
        check_bitmap_model(find("models", "red_mobile") / "red_mobile_int8.tflite")
    (tmp_path / "no.tflite").write_bytes(b"no model")
    with pytest.raises(InputError):
        check_bitmap_model(tmp_path / "no.tflite")


def test_the_manifest_asks_for_the_camera_and_nothing_else():
    text = (find_source() / "app" / "src" / "main" / "AndroidManifest.xml").read_text()
    assert text.count("<uses-permission") == 1
    assert 'uses-permission android:name="android.permission.CAMERA"' in text


def test_smaller_models_keep_the_weights_and_halve_cleanly():
    found = smaller_models(find("models", "red_mobile") / "red_mobile_int8.tflite")
    assert list(found) == ["704x1280.tflite", "448x768.tflite"]
    for name, data in found.items():
        model = read_tflite(data)
        assert f"{model.inputs[0].shape[1]}x{model.inputs[0].shape[2]}.tflite" == name
        assert model.inputs[0].shape == model.outputs[0].shape


def test_a_model_of_small_pictures_has_no_smaller_ones(tmp_path):
    small = tmp_path / "small.tflite"
    small.write_bytes(smaller_models(find("models", "red_mobile") / "red_mobile_int8.tflite")["448x768.tflite"])
    assert list(smaller_models(small)) == ["320x512.tflite", "192x320.tflite"]
    small.write_bytes(smaller_models(small)["192x320.tflite"])
    assert list(smaller_models(small)) == ["128x192.tflite", "64x128.tflite"]
    small.write_bytes(smaller_models(small)["64x128.tflite"])
    assert smaller_models(small) == {}
