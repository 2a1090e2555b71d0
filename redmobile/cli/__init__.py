"""The command line. Every command lives in the file of its name and is imported only when it is called."""

from __future__ import annotations

import importlib
import sys
from typing import Any

import click

from redmobile.errors import RedmobileError

COMMANDS = {
    "build": "The whole way: export, convert, quantize, check, parity, bench.",
    "data": "Look at training data: degradations on a contact sheet.",
    "train": "Train a network: synthetic pre-training, then real pairs.",
    "ablate": "Compare variants of a network at equal, short training; one table.",
    "describe": "Layers, shapes, parameters, MACs and activation bytes of a network.",
    "export": "PyTorch weights to ONNX.",
    "ops": "The ONNX operators that convert takes, and how they fare in ONNX's own tests.",
    "convert": "ONNX to .tflite: float, float16, INT8 or 16x8.",
    "npu": "Will an NPU run a .tflite: operators, partitions, memory, Vela's estimate.",
    "parity": "Compare torch, ONNX and .tflite on real images, against gates.",
    "evaluate": "How good pictures become: PSNR, SSIM, noise, banding, flicker, beside peers.",
    "enhance": "Enhance images, folders and videos.",
    "bench": "Will it hold 1080p at 30 fps: on this machine, a phone, an emulated ARM, an Ethos-U.",
    "release": "Remake a model's folder from its weights: files, figures, card.",
    "report": "Make a page, Markdown or JUnit of results.",
    "emulator": "Emulated ARM: install, status, remove; count a program's instructions.",
    "android": "The demo app on a phone: install, start, logs.",
    "kernels": "Our INT8 kernels in C: build the delegate's library, show how it runs a .tflite.",
    "doctor": "What is installed, what is missing for which command, and how to get it.",
}
"""Command → its line in `redmobile --help`. The module redmobile.cli.NAME holds a click command called `command`."""


class LazyGroup(click.Group):
    """A group that knows its commands' names and lines without importing them."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        """The names in the order of the table, which is the order of the work."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as click calls it
        """Import the module of one command."""
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"redmobile.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002 - as click calls it
        """The table, without importing a command."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 120})
@click.version_option(package_name="redmobile")
def group(**_: Any) -> None:
    r"""Take an image-enhancement network from PyTorch to a verified INT8 .tflite for phones.

    \b
    redmobile build red_mobile --with litert_int8 --out out/     the whole way in one command
    redmobile enhance dark.jpg --out bright.jpg                  use the network that comes along

    Every failure has an exit code of its class (see redmobile.errors); --json prints machine-readable results.
    """


def main() -> None:
    """Entry point: run a command; turn an error into one line and its exit code."""
    try:
        sys.exit(group.main(standalone_mode=False) or 0)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(error.exit_code)
    except RedmobileError as error:
        click.echo(f"redmobile: {error}", err=True)
        sys.exit(error.exit_code)
    except (click.Abort, KeyboardInterrupt):
        click.echo("redmobile: interrupted; nothing half-written was left.", err=True)
        sys.exit(130)
    except BrokenPipeError:
        sys.stderr.close()
        sys.exit(141)
