"""`redmobile android …`: the demo app on a phone."""

from __future__ import annotations

from pathlib import Path

import click

from redmobile.cli.console import OUT, json_option, print_json

_serial_option = click.option(
    "--serial", metavar="SERIAL", help="Which device, as `adb devices` names it.  [default: ANDROID_SERIAL, else the only one]"
)


@click.group(
    epilog="""\b
Examples:
  redmobile android install demo.apk
  redmobile android start
  redmobile android logs --follow
"""
)
def command() -> None:
    """The demo app on an Android phone, through adb.

    Exit code 7: no phone, or it is not ready, with the reason; 8: adb or Android failed.
    """


@command.command(
    epilog="""\b
Examples:
  redmobile android install demo.apk
  redmobile android install demo.apk --serial R5CT30XYZ
"""
)
@click.argument("apk", type=click.Path(path_type=Path))
@_serial_option
@json_option
def install(apk: Path, serial: str | None, as_json: bool) -> None:
    """Install APK on the phone, in place of an older one."""
    from redmobile.android import demo_app
    from redmobile.android.devices import choose_device

    device = choose_device(serial)
    sha256 = demo_app.install(device, apk)
    if as_json:
        print_json({"serial": device.serial, "package": demo_app.PACKAGE, "apk": str(apk), "sha256": sha256})
    else:
        OUT.print(f"{apk.name} ({sha256[:12]}) is installed on {device.serial}. Open it: redmobile android start", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android start
"""
)
@_serial_option
@json_option
def start(serial: str | None, as_json: bool) -> None:
    """Open the demo app on the phone."""
    from redmobile.android import demo_app
    from redmobile.android.devices import choose_device

    device = choose_device(serial)
    activity = demo_app.start(device)
    if as_json:
        print_json({"serial": device.serial, "activity": activity})
    else:
        OUT.print(f"{activity} is open on {device.serial}.", markup=False)


@command.command(
    epilog="""\b
Examples:
  redmobile android logs
  redmobile android logs --follow
"""
)
@click.option("--follow", is_flag=True, help="Go on until Ctrl-C or the connection ends.")
@_serial_option
@json_option
def logs(follow: bool, serial: str | None, as_json: bool) -> None:
    """Print the demo app's log: its own words, TFLite's, and crashes."""
    from redmobile.android import demo_app
    from redmobile.android.devices import choose_device
    from redmobile.errors import UsageError

    if follow and as_json:
        raise UsageError("--follow has no end, so it cannot be one JSON document; leave one of the two out.")
    device = choose_device(serial)
    if follow:
        demo_app.follow_logs(device, click.echo)
    lines = demo_app.logs(device, None if as_json else click.echo)
    if as_json:
        print_json({"serial": device.serial, "lines": lines})
