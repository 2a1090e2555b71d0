"""From Kotlin and resources to a dex file."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable, Sequence
from pathlib import Path

from redmobile.android.apk.tools import Tools, run
from redmobile.core.artifact import sha256_bytes, sha256_file, write_text

MIN_API, TARGET_API = 26, 35

_MEMORY = "-Xmx1g"
_KOTLIN_SECONDS = 1800
"""Half a minute on two cores; a computer that is busy with other things may need many times that."""
_KOTLIN = ("-no-stdlib", "-no-reflect", "-Werror")
_FOR_PHONES = (
    "-jvm-target",
    "1.8",
    # What Java 9 and later added must not be called: ByteBuffer.clear() of Java 9 gives a ByteBuffer and does not exist on Android 8.
    "-Xjdk-release=1.8",
    # dx makes invoke-custom of an invokedynamic, which Android has no bootstrap for.
    "-Xlambdas=class",
    "-Xsam-conversions=class",
    "-Xstring-concat=inline",
)
_PROGUARD = """\
-dontoptimize
-dontobfuscate
-dontnote
-dontwarn org.jetbrains.annotations.**,kotlin.**
-keepattributes Exceptions,InnerClasses,Signature,SourceFile,LineNumberTable,EnclosingMethod
-keep public class * extends android.app.Activity
-keep public class * extends android.content.ContentProvider
-keep public class * extends android.view.View { public <init>(android.content.Context, android.util.AttributeSet); }
-keepclasseswithmembernames,includedescriptorclasses class * { native <methods>; }
# Found by name from C.
-keep class * extends dev.redmobile.tflite.TfLiteException { <init>(java.lang.String); }
"""


def link_resources(main: Path, android: Path, version: tuple[int, str], tools: Tools, work: Path, assets: Path | None = None) -> tuple[Path, Path]:
    """(an APK with resources and manifest alone, the folder with R.java). main: app/src/main; android: the platform's jar.

    version: (code, name). assets: a folder with more assets, for tests; an APK's are packed later, stored. Raises ToolError.
    """
    generated = work / "generated"
    shutil.rmtree(generated, ignore_errors=True)
    generated.mkdir(parents=True)
    compiled, base = work / "resources.zip", work / "resources.apk"
    run((tools.aapt2, "compile", "--dir", main / "res", "-o", compiled), "compiling the resources", work / "aapt2_compile.log")
    link = (tools.aapt2, "link", "-I", android, "--manifest", main / "AndroidManifest.xml", "--java", generated, "-o", base)
    levels = ("--min-sdk-version", str(MIN_API), "--target-sdk-version", str(TARGET_API))
    names = ("--version-code", str(version[0]), "--version-name", version[1])
    more = ("-A", assets, "-0", ".tflite") if assets else ()
    run((*link, *levels, *names, *more, compiled), "linking the resources", work / "aapt2_link.log")
    return base, generated


def compile_kotlin(
    sources: Sequence[Path], classpath: Sequence[Path], compiler: Iterable[Path], tools: Tools, output: Path, log: Path, *, friend: Path | None = None
) -> None:
    """Kotlin in the folders `sources` (and the Java that it refers to there) to class files in `output`, unless they are there already.

    friend: a folder of classes whose internals the sources may see, for tests, which never go to a phone; None: for phones. Raises ToolError.
    """
    target = _FOR_PHONES if friend is None else ("-jvm-target", "17", f"-Xfriend-paths={friend}")
    options = (*_KOTLIN, *target, "-jdk-home", tools.jdk.home, "-cp", _joined(classpath), "-d", output)
    key, stamp = _key(sources, options, friend), output.with_suffix(".key")
    if output.is_dir() and stamp.is_file() and stamp.read_text() == key:
        return
    shutil.rmtree(output, ignore_errors=True)
    command = (tools.jdk.program("java"), _MEMORY, "-cp", _joined(compiler), "org.jetbrains.kotlin.cli.jvm.K2JVMCompiler")
    run((*command, *options, *sources), "compiling Kotlin", log, timeout_s=_KOTLIN_SECONDS)
    write_text(stamp, key)


def _key(sources: Iterable[Path], options: Iterable[str | Path], friend: Path | None) -> str:
    """A fingerprint of everything that decides what the compiler writes. Jars stand for themselves: their contents are pinned."""
    files = [file for folder in sources for file in sorted(folder.rglob("*")) if file.suffix in (".kt", ".java")]
    files += sorted(friend.rglob("*.class")) if friend else []
    return sha256_bytes("\n".join([*map(str, options), *(f"{file} {sha256_file(file)}" for file in files)]).encode())


def compile_java(sources: Sequence[Path], classpath: Iterable[Path], tools: Tools, output: Path, log: Path, release: int = 8) -> None:
    """Java files to class files of Java 8 in `output`. Raises ToolError."""
    command = (tools.jdk.program("javac"), "--release", str(release), "-Xlint:-options", "-nowarn", "-cp", _joined(classpath) or ".", "-d", output)
    run((*command, *sources), "compiling Java", log)


def shrink(classes: Path, kotlin: Path, android: Path, jars: Iterable[Path], tools: Tools, output: Path) -> None:
    """The app's classes and what they use of Kotlin's library, in one jar. jars: ProGuard's. Raises ToolError."""
    modules = tools.jdk.home / "jmods"
    rules = output.with_suffix(".pro")
    lines = [
        *(f"-libraryjars '{modules / name}.jmod'(!**.jar;!module-info.class)" for name in ("java.base", "java.logging")),
        f"-libraryjars '{android}'(android/**.class,org/json/**.class,dalvik/**.class)",
        f"-injars '{classes}'(!META-INF/**)",
        f"-injars '{kotlin}'(!META-INF/**)",
        f"-outjars '{output}'",
    ]
    rules.write_text("\n".join(lines) + "\n" + _PROGUARD, encoding="utf-8")
    command = (tools.jdk.program("java"), _MEMORY, "-cp", _joined(jars), "proguard.ProGuard", f"@{rules}")
    run(command, "shrinking Kotlin's library", output.with_suffix(".log"))


def dex(jar: Path, android: Path, dx: Path, tools: Tools, output: Path) -> Path:
    """classes.dex of `jar`, by the SDK's d8, or by dx. output: a folder. Raises ToolError."""
    shutil.rmtree(output, ignore_errors=True)
    output.mkdir(parents=True)
    if tools.d8:
        command: tuple[str | Path, ...] = (tools.d8, "--release", "--min-api", str(MIN_API), "--lib", android, "--output", output, jar)
    else:
        java = (tools.jdk.program("java"), _MEMORY, "-cp", dx, "com.android.dx.command.Main")
        command = (*java, "--dex", f"--min-sdk-version={MIN_API}", f"--output={output / 'classes.dex'}", jar)
    run(command, "making the dex file", output.parent / "dex.log")
    return output / "classes.dex"


def _joined(paths: Iterable[Path]) -> str:
    return os.pathsep.join(map(str, paths))
