"""Parquet tables in a folder of `data/records/`, with checksums that are compared whenever they are read."""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import pandas as pd
import pyarrow as arrow
import pyarrow.parquet as parquet

from lth.errors import LthError
from lth.paths import records_dir

SUMS = "SHA256SUMS"


def read(folder: str, files: Sequence[str], what: str, again: str) -> list[pd.DataFrame]:
    """The tables `files` of data/records/`folder`/, each with the checksum it was written with; LthError otherwise.

    `what` and `again` say in messages of what these are records (in the plural), and what makes them anew.
    """
    try:
        sums = (records_dir() / folder / SUMS).read_text(errors="replace").splitlines()
        contents = {name: (records_dir() / folder / name).read_bytes() for name in files}
    except FileNotFoundError as error:
        published = sorted(p.parent.name for p in records_dir().glob(f"*/{files[0]}")) or ["none"]
        raise LthError(
            f"no complete records of {folder!r} are published ({Path(error.filename).name} is missing): restore it "
            f"with git, or {again}; published {what}: {', '.join(published)}"
        ) from error
    for name, content in contents.items():
        if f"{hashlib.sha256(content).hexdigest()}  {name}" not in sums:
            raise LthError(
                f"data/records/{folder}/{name} is not what was published (its SHA-256 differs from {SUMS}): "
                f"restore it with git, or {again}"
            )
    return [parquet.read_table(arrow.BufferReader(contents[name])).to_pandas() for name in files]


def write(folder: Path, tables: dict[str, pd.DataFrame]) -> None:
    """Write tables by file name, each in one piece, and their checksums.

    The old checksums stand beside the new ones until the last table is written, so that a kill in between leaves
    tables that can be read. LthError where they cannot be written: what was published before stays.
    """
    try:
        for name, frame in tables.items():
            _write(frame, folder / f".{name}")
        new = "".join(f"{hashlib.sha256((folder / f'.{name}').read_bytes()).hexdigest()}  {name}\n" for name in tables)
        old = (folder / SUMS).read_text(errors="replace") if (folder / SUMS).exists() else ""
        _write_sums(folder, old + new)
        for name in tables:
            (folder / f".{name}").replace(folder / name)
        _write_sums(folder, new)
    except OSError as error:
        raise LthError(f"cannot write records in {folder} ({error.strerror}): make room there and try again") from error


def _write_sums(folder: Path, text: str) -> None:
    """Write the checksums in one piece."""
    aside = folder / f".{SUMS}"
    aside.write_text(text)
    aside.replace(folder / SUMS)


def _write(frame: pd.DataFrame, file: Path) -> None:
    """Zstandard Parquet; single-precision numbers as split byte streams, which compress better."""
    split = list(frame.select_dtypes("float32"))
    table = arrow.Table.from_pandas(frame, preserve_index=False)
    dictionary = [name for name in frame if name not in split]
    parquet.write_table(
        table, file, compression="zstd", compression_level=19, use_dictionary=dictionary, use_byte_stream_split=split
    )
