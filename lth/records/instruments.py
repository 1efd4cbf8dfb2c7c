"""Records of what is measured beside training runs: error barriers and learned masks, a folder each, with checksums."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from lth.errors import LthError
from lth.paths import make_dir, records_dir
from lth.records import parquet

_share, _at_least_0 = pa.Check.in_range(0, 1), pa.Check.ge(0)
_where = {
    "study": pa.Column(str),
    "recipe": pa.Column(str),
    "arm": pa.Column(str),
    "trial": pa.Column(int, _at_least_0),
    "level": pa.Column(int, _at_least_0),
}
_provenance = {
    "spec": pa.Column(str),  # of the run whose start, masks or data it is
    "key": pa.Column(str),
    "seconds": pa.Column(float, _at_least_0),
    **{name: pa.Column(str) for name in ("machine", "versions", "commit", "time")},
}


@dataclass(frozen=True)
class Instrument:
    """A table of measurements: its folder below data/records/, its file, its schema and what makes it."""

    folder: str
    file: str
    schema: pa.DataFrameSchema
    command: str

    @property
    def keys(self) -> list[str]:
        """The columns that tell its rows apart."""
        return list(self.schema.unique or [])


def _errors(value: Sequence[float]) -> bool:
    """Whether a cell holds errors along a line."""
    return len(value) > 1 and all(0 <= error <= 1 for error in value)


_line = pa.Column(None, [pa.Check(_errors, element_wise=True, error="must be shares along a line")])
BARRIERS = Instrument(
    folder="barriers",
    file="barriers.parquet",
    command="lth stability STUDY",
    schema=pa.DataFrameSchema(
        _where
        | {
            "kind": pa.Column(str, pa.Check.isin(("orders", "levels"))),  # what tells the two networks apart
            "iteration": pa.Column(int, _at_least_0),  # k, at which their orders part; 0 for levels
            **{f"{part}_errors": _line for part in ("train", "validation", "test")},  # at points of equal distance
        }
        | _provenance,
        unique=[*_where, "kind", "iteration"],
    ),
)
SUPERMASKS = Instrument(
    folder="supermasks",
    file="supermasks.parquet",
    command="lth supermasks STUDY",
    schema=pa.DataFrameSchema(
        _where
        | {
            "kind": pa.Column(str),  # one of lth.supermasks.KINDS
            "density": pa.Column(float, _share),
            "test_acc": pa.Column(float, _share),
            "validation_acc": pa.Column(float, _share),
        }
        | _provenance,
        unique=[*_where, "kind"],
    ),
)


def load(instrument: Instrument) -> pd.DataFrame:
    """All rows that are recorded, or an empty table of its columns; LthError where records are damaged."""
    if not parquet.exists(instrument.folder, (instrument.file,)):
        return pd.DataFrame(columns=list(instrument.schema.columns))
    again = f"make it again with `{instrument.command}`"
    (file,) = parquet.verified(instrument.folder, (instrument.file,), "measurements", again)
    return _valid(file.table().to_pandas(), instrument)


def add(instrument: Instrument, rows: Sequence[dict]) -> Path:
    """Record rows beside those that are there, of which equal ones are replaced; returns the folder."""
    old, new = load(instrument), arrow.Table.from_pylist(list(rows)).to_pandas()
    frame = pd.concat([old, new], ignore_index=True) if len(old) else new
    frame = frame.drop_duplicates(instrument.keys, keep="last").sort_values(instrument.keys, ignore_index=True)
    table = arrow.Table.from_pandas(_valid(frame, instrument), preserve_index=False)
    folder = make_dir(records_dir() / instrument.folder)
    parquet.write(folder, {instrument.file: table})
    return folder


def _valid(frame: pd.DataFrame, instrument: Instrument) -> pd.DataFrame:
    """The table itself, if it obeys the format."""
    try:
        return instrument.schema.validate(frame)
    except pa.errors.SchemaError as error:
        raise LthError(
            f"{instrument.folder}/{instrument.file} does not obey the record format: {str(error).splitlines()[0]}"
        ) from error
