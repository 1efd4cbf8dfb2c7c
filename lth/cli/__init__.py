"""The command `lth`: each module of this room imports what takes long where a command needs it."""

from lth.cli.entry import main

__all__ = ["main"]
