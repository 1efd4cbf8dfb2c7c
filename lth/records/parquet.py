"""Parquet tables in a folder of `data/records/`, with checksums that are compared whenever they are read.

The list of checksums says which tables are published. New tables are written beside the old ones, under names with a
dot; then the list is replaced in one step, and only then do the new tables take the names of the old. Whenever that is
interrupted, for each table of the list one of its two files is the one meant, and it is read.
"""

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow as arrow
import pyarrow.parquet as parquet

from lth.errors import LthError
from lth.paths import content_of, records_dir

SUMS = "SHA256SUMS"


class NotAsPublished(LthError):
    """A table is missing, or differs from its checksum."""


@dataclass(frozen=True)
class File:
    """A Parquet file whose checksum is that of the list."""

    content: bytes = field(repr=False)
    sha256: str

    def table(self, columns: Sequence[str] | None = None) -> arrow.Table:
        """Its table, or only some columns of it."""
        # Not parquet.read_table, which imports pandas.
        return parquet.ParquetFile(arrow.BufferReader(self.content)).read(columns=columns)


def exists(folder: str, names: Sequence[str]) -> bool:
    """Whether anything of these tables is published in data/records/`folder`/.

    The tables of a first publication that was interrupted before its list of checksums was written are not.
    """
    return any(os.path.lexists(records_dir() / folder / name) for name in (SUMS, *names))


def verified(folder: str, names: Sequence[str], what: str, again: str) -> list[File]:
    """The files `names` of data/records/`folder`/; NotAsPublished unless each has the checksum it was written with.

    `what` and `again` say in messages of what these are records (in the plural), and what makes them anew.
    """
    place = records_dir() / folder
    try:
        sums = _sums(place)
        return [_meant(place, name, sums) for name in names]
    except (FileNotFoundError, NotADirectoryError) as error:
        published = sorted(path.parent.name for path in records_dir().glob(f"*/{names[0]}")) or ["none"]
        raise NotAsPublished(
            f"no complete records of {folder!r} are published ({Path(error.filename).name} is missing): restore it "
            f"with git, or {again}; published {what}: {', '.join(published)}"
        ) from error
    except OSError as error:
        raise NotAsPublished(f"cannot read {error.filename} ({error.strerror}): make it readable") from error
    except _Differs as error:
        raise NotAsPublished(
            f"data/records/{folder}/{error} is not what was published (its SHA-256 differs from {SUMS}): "
            f"restore it with git, or {again}"
        ) from error


class _Differs(Exception):
    """The table of that name is there, but not with the checksum of the list."""


def _sums(place: Path) -> set[tuple[str, str]]:
    """The list of checksums: (SHA-256, name)."""
    lines = content_of(place / SUMS).decode(errors="replace").splitlines()
    return {(sha256, name) for sha256, _, name in (line.partition("  ") for line in lines)}


def _meant(place: Path, name: str, sums: set[tuple[str, str]]) -> File:
    """The file of that name that the list means: the one of that name, or the new one that is to take its place."""
    missing = None
    for path in (place / name, place / f".{name}"):
        try:
            content = content_of(path)
        except FileNotFoundError as error:
            missing = missing or error
            continue
        sha256 = hashlib.sha256(content).hexdigest()
        if (sha256, name) in sums:
            return File(content, sha256)
    if missing and Path(missing.filename).name == name:
        raise missing
    raise _Differs(name)


def write(folder: Path, tables: dict[str, arrow.Table]) -> None:
    """Publish tables by file name, all of them or none: an interruption leaves what was published before, or these.

    LthError where they cannot be written: what was published before stays.
    """
    try:
        finish(folder, list(tables))
        try:
            sums = "".join(f"{_write_aside(table, folder / f'.{name}')}  {name}\n" for name, table in tables.items())
            _replace_sums(folder, sums)
        except OSError:
            for name in tables:
                (folder / f".{name}").unlink(missing_ok=True)
            raise
        for name in tables:
            (folder / f".{name}").replace(folder / name)
    except OSError as error:
        raise LthError(
            f"cannot write records in {folder} ({error.strerror}): make room there, clear the way and try again"
        ) from error


def finish(folder: Path, names: Sequence[str]) -> None:
    """End a publication that was interrupted: new tables that the list means get their names, others are deleted."""
    sums = _sums(folder) if os.path.lexists(folder / SUMS) else set()
    for name in names:
        aside = folder / f".{name}"
        if not os.path.lexists(aside):
            continue
        if (hashlib.sha256(content_of(aside)).hexdigest(), name) in sums:
            aside.replace(folder / name)
        else:
            aside.unlink()


def _replace_sums(folder: Path, text: str) -> None:
    """Write the list of checksums in one step."""
    aside = folder / f".{SUMS}"
    with aside.open("w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(folder / SUMS)


def _write_aside(table: arrow.Table, path: Path) -> str:
    """Write Zstandard Parquet, flush it to the disk and return its SHA-256.

    Single-precision numbers are stored as split byte streams, which compress better.
    """
    split = [column.name for column in table.schema if column.type == arrow.float32()]
    dictionary = [name for name in table.column_names if name not in split]
    with path.open("wb") as file:
        parquet.write_table(
            table, file, compression="zstd", compression_level=19, use_dictionary=dictionary,
            use_byte_stream_split=split,
        )  # fmt: skip
        file.flush()
        os.fsync(file.fileno())
    return hashlib.sha256(path.read_bytes()).hexdigest()
