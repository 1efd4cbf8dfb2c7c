"""The records of a study: two tables, checked against a schema whenever they are read."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow
import pyarrow.parquet as parquet

from lth.arms import ARMS
from lth.errors import LthError
from lth.paths import make_dir, records_dir
from lth.records import parquet as tables
from lth.records import store
from lth.records.store import Finished
from lth.runs import Run

KEYS = ["study", "recipe", "arm", "trial", "draw", "level"]
LOSSES = ["train_loss", "val_loss", "test_loss"]
FILES = ("curves.parquet", "runs.parquet")
_fraction = pa.Check.in_range(0, 1)
_key_columns = {
    "study": pa.Column(str),
    "recipe": pa.Column(str),
    "arm": pa.Column(str, pa.Check(lambda arms: arms.isin(list(ARMS)), error="arms must be among those of lth.arms")),
    "trial": pa.Column(int, pa.Check.ge(0)),
    "draw": pa.Column(int, pa.Check.ge(0)),
    "level": pa.Column(int, pa.Check.ge(0)),
}
CURVES = pa.DataFrameSchema(
    _key_columns
    | {"iteration": pa.Column(int, pa.Check.ge(0))}
    | {name: pa.Column("float32", nullable=True) for name in LOSSES}  # null where training diverged
    | {name: pa.Column(float, _fraction) for name in ("val_acc", "test_acc")}
    | {"train_acc": pa.Column(float, _fraction, nullable=True)},  # measured less often
    unique=[*KEYS, "iteration"],
)
RUNS = pa.DataFrameSchema(
    _key_columns
    | {"density": pa.Column(float, _fraction), "early_stop_iteration": pa.Column(int, pa.Check.ge(0))}
    | {name: pa.Column(float, _fraction) for name in ("early_stop_test_acc", "final_test_acc", "final_train_acc")}
    | {"key": pa.Column(str, unique=True), "spec": pa.Column(str), "mask_sha256": pa.Column(str)},
    unique=KEYS,
)


@dataclass(frozen=True)
class Records:
    """The records of some runs of a study: `curves`, a row a measurement, and `runs`, a row a run (see design)."""

    study: str
    curves: pd.DataFrame
    runs: pd.DataFrame

    @property
    def digest(self) -> str:
        """A short hash of every curve and key: two tables with the same digest hold the same measurements."""
        rows = pd.util.hash_pandas_object(self.curves, index=False).to_numpy()
        return hashlib.sha256(rows.tobytes() + "".join(self.runs["key"]).encode()).hexdigest()[:12]


def load(study: str) -> Records:
    """The published records of `study`; LthError where there are none, or where a file is not as it was published."""
    curves, runs = tables.read(study, FILES, "studies", "publish the study again with --replace")
    return _checked(study, curves, runs)


def copies(study: str) -> dict[str, str]:
    """What the published runs of `study` were trained on: by data set, the label of a copy, or "" for the original."""
    try:
        specs = parquet.read_table(records_dir() / study / "runs.parquet", columns=["spec"])["spec"].to_pylist()
        recipes = [json.loads(spec)["recipe"] for spec in specs]
        return {recipe["dataset"]: recipe.get("copy", "") for recipe in recipes}
    except (OSError, ValueError, TypeError, KeyError, arrow.ArrowException):  # nothing, or damage, which `load` tells
        return {}


def load_or_empty(study: str) -> Records:
    """The published records of `study`, or empty tables where nothing is published.

    Records of which a file is missing are not nothing; a first publication that was killed before its end is.
    """
    folder = records_dir() / study
    begun = (folder / f".{FILES[-1]}").exists() and not (folder / FILES[-1]).exists()
    if begun or not any((folder / name).exists() for name in (tables.SUMS, *FILES)):
        return _nothing(study)
    return load(study)


def collect(study: str, runs: list[Run]) -> Records:
    """The records of exactly these runs, published or kept; LthError where one is missing."""
    return _collect(study, runs, load_or_empty(study))


def _collect(study: str, runs: list[Run], published: Records) -> Records:
    """Published rows of these runs, and those of the kept ones that are not published."""
    keys = {run.key for run in runs}
    here = published.runs["key"].isin(keys)
    finished = []
    for key in sorted(keys - set(published.runs["key"])):
        kept, problem = store.read_or_set_aside(key, groups=())
        if kept is None:
            raise LthError(problem or f"the study {study!r} is incomplete: `lth run {study}` trains what is missing")
        finished.append(kept)
    curves, rows = _tables(study, finished)
    return _checked(
        study,
        _concat([_rows_of(published.curves, published.runs[here]), curves]),
        _concat([published.runs[here], rows]),
    )


def of_finished(study: str, finished: Iterable[Finished]) -> Records:
    """The records of finished runs, under the name of a study; LthError where they do not obey the format."""
    return _checked(study, *_tables(study, finished))


def _tables(study: str, finished: Iterable[Finished]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curves and the runs of finished runs, as tables of the study."""
    summaries, curves = [], []
    for each in finished:
        summaries.append({"study": study} | each.summary)
        where = pd.DataFrame([{name: summaries[-1][name] for name in KEYS}])
        curves.append(where.merge(pd.DataFrame(each.curve), how="cross"))
    rows = arrow.Table.from_pylist(summaries).to_pandas()  # the same types of column as in what is published
    return _concat(curves) if curves else pd.DataFrame(), rows


def publish(study: str, runs: list[Run], replace: bool = False) -> tuple[Path, int]:
    """Fold finished `runs` into data/records/`study`/; returns the folder and how many runs it holds now.

    Runs already published stay. LthError where they were made by another recipe of the same name, unless `replace`.
    """
    old = _nothing(study) if replace else load_or_empty(study)
    todo = store.keys() - set(old.runs["key"])
    new = _collect(study, [run for run in runs if run.key in todo], old)
    if new.runs.empty and old.runs.empty:
        raise LthError(f"no run of the study {study!r} is finished yet: `lth run {study}` trains it")
    folded = _checked(study, _concat([old.curves, new.curves]), _concat([old.runs, new.runs]))
    folder = make_dir(records_dir() / study)
    if replace:
        (folder / tables.SUMS).unlink(missing_ok=True)
    tables.write(folder, dict(zip(FILES, (folded.curves, folded.runs), strict=True)))
    return folder, len(folded.runs)


def _nothing(study: str) -> Records:
    """Empty tables."""
    return Records(study, pd.DataFrame(columns=[*KEYS, "iteration"]), pd.DataFrame(columns=[*KEYS, "key", "spec"]))


def _rows_of(curves: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The measurements of the given runs."""
    return curves.merge(runs[KEYS], on=KEYS) if len(runs) else curves[:0]


def _concat(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Non-empty frames, one below the other."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _checked(study: str, curves: pd.DataFrame, runs: pd.DataFrame) -> Records:
    """Sorted tables that obey the schema and hold one specification for each recipe name; LthError otherwise.

    Curves of runs that are not there are left out: a kill while publishing can leave curves ahead of runs.
    """
    if runs.empty:
        return Records(study, curves, runs)
    try:
        _check_specifications(study, runs)
        curves, runs = CURVES.validate(curves), RUNS.validate(runs)
    except (pa.errors.SchemaError, ValueError, TypeError, KeyError) as error:
        raise LthError(
            f"the records of {study!r} do not obey the record format: {str(error).splitlines()[0]}"
        ) from error
    runs = runs.sort_values(KEYS, ignore_index=True)
    curves = _rows_of(curves, runs)[[*KEYS, *(c for c in curves if c not in KEYS)]]
    return Records(study, curves.sort_values([*KEYS, "iteration"], ignore_index=True), runs)


def _check_specifications(study: str, runs: pd.DataFrame) -> None:
    """LthError unless all runs of a recipe's name have the same recipe, root seed and engine."""
    specs = runs["spec"].map(_recipe_of)
    for name, found in specs.groupby(runs["recipe"]):
        if found.nunique() > 1:
            raise LthError(
                f"the study {study!r} mixes {found.nunique()} specifications of the recipe {name!r}: "
                f"publish them as studies of their own, or publish again with --replace"
            )


def _recipe_of(spec: str) -> str:
    """The part of a specification that all runs of one recipe in a study share."""
    fields = json.loads(spec)
    return json.dumps([fields["recipe"], fields["root_seed"], fields["engine"]], sort_keys=True)
