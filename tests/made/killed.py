"""Interrupting a program at one of its steps on the disk."""

import os
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest


class Killed(BaseException):
    """The program has come to an end here."""


def killed_at(step: int, action: Callable[[], object]) -> bool:
    """Do `action` up to that step (from 0) on the disk, and not that step; False where it has no such step.

    A step opens a file for writing, writes half a table, flushes, renames or deletes.
    """
    left = step

    def stopping(do: Callable, half: Callable[..., object] = lambda *_, **__: None) -> Callable:
        def instead(*arguments, **options):
            nonlocal left
            if do is open_ and arguments[1:2] in ((), ("rb",), ("r",)):  # reading is no step
                return do(*arguments, **options)
            left -= 1
            if left < 0:
                half(*arguments, **options)
                raise Killed
            return do(*arguments, **options)

        return instead

    def half_a_table(table, file, **_):
        file.write(b"PAR1 and then nothing")

    open_ = Path.open
    with pytest.MonkeyPatch.context() as patch:
        for name in ("open", "replace", "unlink"):
            patch.setattr(Path, name, stopping(getattr(Path, name)))
        patch.setattr(os, "fsync", stopping(os.fsync))
        patch.setattr(pyarrow.parquet, "write_table", stopping(pyarrow.parquet.write_table, half_a_table))
        try:
            action()
        except Killed:
            return True
    return False
