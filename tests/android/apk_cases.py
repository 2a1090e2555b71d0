"""What tests of the APK share: a JDK to make class files with, or the reason why there is none."""

import subprocess

import pytest

from redmobile.android.apk import tools

NO_TOOLS = f"building the app needs {', '.join(program.package for program in (tools.JDK, *tools.PROGRAMS, tools.HEADERS))}"


def need_jdk():
    """The JDK; skips the test where there is none that fits."""
    jdk = tools.find_jdk()
    if jdk is None:
        pytest.skip(f"no JDK of version {tools.OLDEST_JDK} to {tools.NEWEST_JDK}: apt-get install {tools.JDK.package}")
    return jdk


def need_tools():
    """Every tool; skips the test where one is missing."""
    lacking = tools.missing()
    if lacking:
        pytest.skip(f"{tools.install_line(lacking)} ({NO_TOOLS})")
    return tools.find_tools()


def jar(folder, name, sources, classpath="."):
    """A jar of Java sources, each a class of the path's name."""
    jdk = need_jdk()
    root = folder / name
    for path, text in sources.items():
        file = root / "source" / f"{path}.java"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    classes = root / "classes"
    files = [str(file) for file in (root / "source").rglob("*.java")]
    subprocess.run(
        [jdk.program("javac"), "--release", "8", "-Xlint:-options", "-cp", str(classpath), "-d", str(classes), *files],
        check=True,
        capture_output=True,
    )
    subprocess.run([jdk.program("jar"), "cf", str(root / "made.jar"), "-C", str(classes), "."], check=True, capture_output=True)
    return root / "made.jar"
