"""How the command starts and ends."""

import contextlib
import errno
import io
import os
import sys

import typer

from lth.cli import evidence, measure, train
from lth.errors import LthError

COMMANDS = (  # in the order of --help
    *(train.data, train.run, train.status, train.publish),
    *(evidence.verify, evidence.export),
    *(measure.stability, measure.supermasks),
    *(evidence.claims, evidence.figure),
)
UNWRITTEN = (errno.ENOSPC, errno.EIO, errno.EBADF)  # what writing to a full device, or to nothing, ends with

app = typer.Typer(no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, help="The command `lth`.")
for command in COMMANDS:
    app.command()(command)


def main() -> None:
    """Entry point: a user's mistake ends in one sentence and status 1, an interruption in status 130."""
    for stream in (sys.stdout, sys.stderr):  # a terminal that cannot show a sign is no reason to fail
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="backslashreplace")
    try:
        app()
        sys.stdout.flush()
    except LthError as error:
        _end(f"lth: {error}", 1)
    except BrokenPipeError:  # whoever reads has seen enough
        _end("", 1)
    except OSError as error:
        if error.errno not in UNWRITTEN or error.filename:
            raise
        _end(f"lth: cannot write what is to be shown ({error.strerror})", 1)
    except SystemExit as end:  # Typer's answer to Ctrl-C is status 130 and no word
        if end.code == 130:
            print("lth: stopped; finished runs are kept, the same command goes on from there", file=sys.stderr)
        raise


def _end(message: str, status: int) -> None:
    """End with a message, after what was printed before; what cannot be written any more is not tried again."""
    try:
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    with contextlib.suppress(OSError):
        if message:
            print(" ".join(message.splitlines()), file=sys.stderr)
        sys.stderr.flush()
    sys.exit(status)
