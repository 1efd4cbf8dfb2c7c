"""The recorded timings."""

from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from lth.errors import LthError
from lth.paths import make_dir, records_dir
from lth.records import parquet

FILE = "costs.parquet"
_at_least_0 = pa.Check.ge(0)
COSTS = pa.DataFrameSchema(
    {
        "model": pa.Column(str),
        "engine": pa.Column(str),  # or another program that is timed beside the engines
        "replicas": pa.Column(int, pa.Check.ge(1)),
        "level": pa.Column(int, _at_least_0),
        "density": pa.Column(float, pa.Check.in_range(0, 1)),
        "what": pa.Column(str, pa.Check.isin(("step", "measure"))),
        "images": pa.Column(int, _at_least_0),  # in a batch, or measured at once
        "milliseconds": pa.Column(float, pa.Check.gt(0)),  # per replica: the fastest round
        "median": pa.Column(float, pa.Check.gt(0)),  # likewise: the median round
        "rounds": pa.Column(int, pa.Check.ge(1)),
        "memory_mb": pa.Column(float, _at_least_0),  # peak of the program's process
        **{name: pa.Column(str) for name in ("machine", "versions", "commit", "time")},
        "cores": pa.Column(int, pa.Check.ge(1)),
    },
    unique=["model", "engine", "level", "what"],
)


def load(record: str = "benchmark") -> pd.DataFrame:
    """The benchmark's record, a row a program, level and `what`; LthError where it is missing or not as written."""
    (file,) = parquet.verified(record, (FILE,), "benchmarks", "make it again with `make bench`")
    return _valid(file.table().to_pandas(), record)


def load_or_none(record: str) -> pd.DataFrame | None:
    """The benchmark's record, or None where there is none."""
    return load(record) if (records_dir() / record / FILE).exists() else None


def save(costs: pd.DataFrame, record: str = "benchmark") -> Path:
    """Write the benchmark's record and its checksum; returns the folder. LthError where it does not obey the format."""
    table = arrow.Table.from_pandas(_valid(costs, record), preserve_index=False)
    folder = make_dir(records_dir() / record)
    parquet.write(folder, {FILE: table})
    return folder


def _valid(costs: pd.DataFrame, record: str) -> pd.DataFrame:
    """The table itself, if it obeys the format."""
    try:
        return COSTS.validate(costs)
    except pa.errors.SchemaError as error:
        raise LthError(f"{record}/{FILE} does not obey the record format: {str(error).splitlines()[0]}") from error
