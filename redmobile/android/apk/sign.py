"""Signing: the user's own keystore, or one for trying things that is made once."""

from __future__ import annotations

import dataclasses
import os
from pathlib import Path

from redmobile.android.apk.code import MIN_API
from redmobile.android.apk.tools import Tools, run
from redmobile.core.artifact import output_path
from redmobile.core.cache import cache_folder
from redmobile.errors import InputError, UsageError

PASSWORD_VARIABLE = "REDMOBILE_KEYSTORE_PASSWORD"  # noqa: S105 - the name of a variable, not a password
"""Environment variable with the password of --keystore."""

_OWN_PASSWORD = "android"  # noqa: S105 - as Android Studio's debug.keystore: it protects nothing
_OWN_ALIAS = "redmobile"
_DAYS = 10000


@dataclasses.dataclass(frozen=True)
class Keystore:
    """A keystore and the key in it. alias: None: its only key. variable: the environment variable that holds the password."""

    path: Path
    alias: str | None
    password: str = dataclasses.field(repr=False)


def open_keystore(path: Path | None, alias: str | None, tools: Tools, log: Path) -> Keystore:
    """The user's keystore `path`; None: the one for trying things, in the cache folder, made where it is not there yet.

    Raises InputError (no such file), UsageError (no password), ToolError.
    """
    if path is None:
        return _own_keystore(tools, log)
    if not path.is_file():
        raise InputError(f"{path}: no such keystore. Make one with `keytool -genkeypair -keystore {path} -keyalg RSA -alias NAME`.")
    password = os.environ.get(PASSWORD_VARIABLE)
    if not password:
        raise UsageError(f"{path}: its password was expected in the environment variable {PASSWORD_VARIABLE}, which is not set.")
    return Keystore(path, alias, password)


def sign(unsigned: Path, keystore: Keystore, tools: Tools, final: Path, log: Path) -> None:
    """Sign with the schemes v2 and v3; the same APK and key give the same bytes. Raises ToolError, OutputError."""
    alias = ("--ks-key-alias", keystore.alias) if keystore.alias else ()
    schemes = ("--v1-signing-enabled", "false", "--v2-signing-enabled", "true", "--v3-signing-enabled", "true", "--v4-signing-enabled", "false")
    with output_path(final) as partial:
        command = (tools.apksigner, "sign", "--ks", keystore.path, "--ks-pass", f"env:{PASSWORD_VARIABLE}", *alias, *schemes)
        run((*command, "--min-sdk-version", str(MIN_API), "--out", partial, unsigned), "signing", log, env={PASSWORD_VARIABLE: keystore.password})


def _own_keystore(tools: Tools, log: Path) -> Keystore:
    path = cache_folder() / "android" / "demo.p12"
    if not path.is_file():
        with output_path(path) as partial:
            partial.unlink()
            key = ("-alias", _OWN_ALIAS, "-keyalg", "RSA", "-keysize", "3072", "-validity", str(_DAYS), "-dname", "CN=redmobile demo")
            store = ("-keystore", partial, "-storetype", "PKCS12", "-storepass", _OWN_PASSWORD)
            run((tools.jdk.program("keytool"), "-genkeypair", *store, *key), "making a key", log)
    return Keystore(path, None, _OWN_PASSWORD)
