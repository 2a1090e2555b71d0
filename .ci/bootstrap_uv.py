"""Make a virtual environment that holds uv, with nothing but Python's standard library: `python3 bootstrap_uv.py FOLDER`.

The Makefile's first step. Where Python came without pip (Debian keeps it in python3-venv), pip's own wheel is fetched from the index.
"""

import hashlib
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile
import urllib.parse
import urllib.request
from pathlib import Path

OLDEST = (3, 11)
INDEX = os.environ.get("PIP_INDEX_URL", "https://pypi.org/simple").rstrip("/")
PIP_WHEEL = re.compile(r'href="([^"]*/pip-(\d+(?:\.\d+)*)-py3-none-any\.whl)#sha256=([0-9a-f]{64})"')


def main(folder: Path) -> None:
    """Leave FOLDER/bin/uv, or say in one line what is missing and how to get it."""
    if sys.version_info < OLDEST:
        wanted, found = ".".join(map(str, OLDEST)), ".".join(map(str, sys.version_info[:2]))
        sys.exit(f"redmobile needs Python {wanted} or newer, {sys.executable} is {found}. Name another one: make PYTHON=python{wanted} …")
    if importlib.util.find_spec("venv") is None:
        sys.exit(f"{sys.executable} has no module venv. Debian, Ubuntu: apt-get install python3-venv")
    shutil.rmtree(folder, ignore_errors=True)
    has_pip = importlib.util.find_spec("ensurepip") is not None
    run(sys.executable, "-m", "venv", *([] if has_pip else ["--without-pip"]), str(folder))
    python = str(folder / "bin" / "python")
    if has_pip:
        run(python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv")
        return
    with tempfile.TemporaryDirectory() as temporary:
        run(python, str(fetch_pip(Path(temporary)) / "pip"), "install", "--quiet", "--disable-pip-version-check", "uv")


def fetch_pip(folder: Path) -> Path:
    """Pip's newest wheel, its sha256 checked. A wheel can be run without being installed."""
    page = fetch(f"{INDEX}/pip/").decode()
    wheels = [(tuple(map(int, version.split("."))), link, digest) for link, version, digest in PIP_WHEEL.findall(page)]
    if not wheels:
        sys.exit(f"{INDEX}/pip/ lists no wheel of pip. Debian, Ubuntu: apt-get install python3-venv brings it along.")
    _, link, digest = max(wheels)
    wheel = fetch(urllib.parse.urljoin(f"{INDEX}/pip/", link))
    if hashlib.sha256(wheel).hexdigest() != digest:
        sys.exit(f"{link}: arrived with another sha256 than the index states; try again.")
    path = folder / Path(link).name
    path.write_bytes(wheel)
    return path


def fetch(address: str) -> bytes:
    """What stands at `address`."""
    try:
        with urllib.request.urlopen(address, timeout=60) as answer:  # noqa: S310 - the index, https unless its user says otherwise
            content: bytes = answer.read()
            return content
    except OSError as error:
        sys.exit(f"{address}: {error}. The first `make` downloads what it needs; is there a network?")


def run(*command: str) -> None:
    """Run a command; end with its exit code if it fails."""
    ended = subprocess.run(command, check=False)
    if ended.returncode:
        sys.exit(f"{' '.join(command)}: ended with {ended.returncode}.")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
