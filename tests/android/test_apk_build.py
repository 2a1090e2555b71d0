"""The whole APK, its tests on the JVM, and its native code on bionic; each as CI runs it."""

import subprocess
import sys
import zipfile

import pytest
from apk_cases import need_tools

from redmobile.android.apk import checks
from redmobile.android.bionic import REFUSALS, ROUNDS_OTHERWISE, run_on_bionic
from redmobile.android.build import build
from redmobile.android.jvm_tests import run_jvm_tests
from redmobile.pipeline import bitmap_model
from redmobile.shelf import find

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def model():
    need_tools()
    return bitmap_model("red_mobile")


@pytest.fixture(scope="module")
def work(tmp_path_factory):
    return tmp_path_factory.mktemp("work")


@pytest.fixture(scope="module")
def built(model, work):
    return build(model, work / "demo.apk", work)


def test_the_apk_holds_what_it_must(built, model, work):
    assert built.facts == {"signature": "v2 + v3", "alignment": "16 KB", "permissions": "android.permission.CAMERA"}
    assert built.dex_version == "038"
    with zipfile.ZipFile(built.apk) as archive:
        assert archive.read("assets/red_mobile_rgba_int8.tflite") == model.read_bytes()
        assert {"lib/arm64-v8a/libredmobile_tflite.so", "lib/arm64-v8a/libjnitensorflowlite.so"} <= set(archive.namelist())
    assert not set(checks.NETWORK) & set(checks.asked_permissions(built.apk, need_tools(), work))
    badging = subprocess.run(["aapt2", "dump", "badging", str(built.apk)], capture_output=True, text=True, check=True).stdout
    for line in ("package: name='dev.redmobile.demo'", "sdkVersion:'26'", "targetSdkVersion:'35'", "native-code: 'arm64-v8a'"):
        assert line in badging


def test_built_again_elsewhere_it_has_the_same_bytes(built, model, tmp_path):
    again = build(model, tmp_path / "again.apk", tmp_path / "work")
    assert again.apk.read_bytes() == built.apk.read_bytes()


def test_the_apps_tests_pass_on_the_jvm(model, work):
    done = run_jvm_tests(model, find("models", "red_mobile") / "red_mobile_int8.tflite", work)
    assert done.passed >= 13
    assert "dev.redmobile.tflite.InterpreterTest" in done.classes


@pytest.mark.skipif(sys.platform != "linux", reason="unidbg's emulator is tried on Linux only")
def test_on_androids_own_libc_it_computes_the_same_but_for_a_known_rounding(built):
    found = run_on_bionic(built.apk, find("models", "red_mobile") / "demo", 3)
    assert found.faults == ()
    assert len({frame.sha256 for frame in found.frames}) == 3
    assert all(frame.different == 0 for frame in found.frames) or {origin.kind for origin in found.origins} <= set(ROUNDS_OTHERWISE)
    assert max(frame.largest for frame in found.frames) <= 16
    assert set(found.refused) == set(REFUSALS)
    assert "libmissing.so" in found.refused["delegate"]
