"""A sheet of the app's screens, one row a screen, one column a look, of what the tests on the JVM drew."""

from __future__ import annotations

from pathlib import Path

from redmobile.data.frames import Image, read_image, write_image
from redmobile.data.sheet import contact_sheet
from redmobile.errors import InputError

TEST = "ScreensTest"
"""The test that draws every screen in every look, as screen.SCREEN.LOOK.png."""

LOOKS = ("light", "dark", "large_german", "right_to_left", "landscape")

_HEIGHT = 300


def write_sheet(screenshots: Path, out: Path) -> tuple[str, ...]:
    """Write the sheet of the pictures in the folder `screenshots`; gives the screens' names. Raises InputError (one is missing), OutputError."""
    names = sorted({path.name.split(".")[1] for path in screenshots.glob("screen.*.*.png")})
    missing = [f"screen.{name}.{look}.png" for name in names for look in LOOKS if not (screenshots / f"screen.{name}.{look}.png").is_file()]
    if missing or not names:
        raise InputError(f"{screenshots}: expected a picture of every screen in every look, {', '.join(missing) or 'found none'}. Run {TEST} again.")
    rows = [[read_image(screenshots / f"screen.{name}.{look}.png").frame for look in LOOKS] for name in names]
    write_image(out, Image(contact_sheet(rows, [look.replace("_", " ") for look in LOOKS], _HEIGHT)))
    return tuple(names)
