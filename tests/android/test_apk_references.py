"""References to Android, in class files that javac made."""

import zipfile

import pytest
from apk_cases import jar

from redmobile.android.apk.class_files import read_class
from redmobile.android.apk.references import find_faults
from redmobile.errors import InputError

VIEW = "package android.view; public class View { public void draw() {} public static int count; public interface Listener {} %s }"
VERSION = "package android.os; public class Build { public static class VERSION { public static final int SDK_INT = new Object().hashCode(); } }"


@pytest.fixture(scope="module")
def platforms(tmp_path_factory):
    """(oldest, newest): the newest has View.blur and android.os.Hints besides."""
    folder = tmp_path_factory.mktemp("platforms")
    old = {"android/view/View": VIEW % "", "android/os/Build": VERSION}
    new = {
        "android/view/View": VIEW % "public void blur(int radius) {}",
        "android/os/Build": VERSION,
        "android/os/Hints": "package android.os; public class Hints { public static void hint() {} }",
    }
    return jar(folder, "old", old), jar(folder, "new", new)


@pytest.fixture
def faults(tmp_path, platforms):
    """Compile an app against the newest platform, and tell what does not fit."""

    def find(**classes):
        sources = {f"app/{name}": f"package app; {text}" for name, text in classes.items()}
        return find_faults(jar(tmp_path, "app", sources, platforms[1]), platforms[0], platforms[1], 26)

    return find


def test_what_the_oldest_platform_has_is_no_fault(faults):
    text = "public class Own extends android.view.View { void a() { draw(); this.draw(); count++; toString(); new Object[2].clone(); } }"
    assert faults(Own=text) == []


def test_a_newer_method_and_a_newer_class_are_faults(faults):
    found = faults(Own="class Own { void a(android.view.View view) { view.blur(3); android.os.Hints.hint(); } }")
    assert any("app/Own refers to android/view/View.blur(I)V, which API 26 has not" in fault for fault in found)
    assert any("app/Own refers to android/os/Hints, which API 26 has not" in fault for fault in found)


def test_a_newer_method_called_on_a_class_of_the_app_is_a_fault_too(faults):
    found = faults(Own="class Own extends android.view.View { void a() { blur(3); } }")
    assert found == ["app/Own refers to app/Own.blur(I)V, which API 26 has not."]


def test_newer_things_stand_in_classes_that_say_so(faults):
    inner = "Runnable r = new Runnable() { public void run() { view.blur(1); } }; r.run();"
    api = f"class BlurApi31 {{ static void blur(android.view.View view) {{ {inner} }} }}"
    asks = "class Own { void a() { if (android.os.Build.VERSION.SDK_INT >= 31) BlurApi31.blur(null); } }"
    assert faults(BlurApi31=api, Own=asks) == []


def test_whoever_uses_them_must_ask_for_the_version(faults):
    found = faults(
        HintsApi31="class HintsApi31 { static void hint() { android.os.Hints.hint(); } }", Own="class Own { void a() { HintsApi31.hint(); } }"
    )
    assert found == ["app/Own uses app/HintsApi31 without asking Build.VERSION.SDK_INT."]


def test_a_class_file_tells_what_it_refers_to(tmp_path):
    made = jar(
        tmp_path,
        "one",
        {"app/One": "package app; class One { long big = 123456789012L; double d = 1.5; String[][] s; int a() { return s[0].length; } }"},
    )
    with zipfile.ZipFile(made) as archive:
        data = archive.read("app/One.class")
    found = read_class(data)
    assert (found.name, found.parents) == ("app/One", ("java/lang/Object",))
    assert {("big", "J"), ("d", "D"), ("s", "[[Ljava/lang/String;"), ("a", "()I")} <= found.members
    for broken in (data[: len(data) // 2], b"\xca\xfe\xba\xbe\0\0\0\x34\0\x02\x63", b"nothing", b""):
        with pytest.raises(InputError, match="no Java class file, or a damaged one"):
            read_class(broken, "One")
