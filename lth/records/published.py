"""The records of a study: two tables, checked against a schema whenever they are read."""

import contextlib
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import pandera.pandas as pa
import pyarrow as arrow

from lth.errors import LthError
from lth.paths import make_dir, records_dir
from lth.records import contents, schema, store
from lth.records import parquet as tables
from lth.records.glance import AGAIN, FILES, copies
from lth.records.schema import CURVES, KEYS, LOSSES, RUNS, columns
from lth.records.store import Finished
from lth.runs import Run

__all__ = ["FILES", "KEYS", "LOSSES", "Records", "collect", "columns", "copies", "diverged", "load", "load_or_empty",
           "of_finished", "publish"]  # fmt: skip
MOST_BYTES = 2**29  # of tables that are kept in memory


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
    """The published records of `study`; LthError where there are none, or where a file is not as it was published.

    Checksums are compared at every call; what has them is parsed and checked against the schema once in a process.
    """
    files = tables.verified(study, FILES, "studies", AGAIN)
    known = (study, *(file.sha256 for file in files))
    if known not in _cache:
        _keep(known, _checked(study, *(file.table().to_pandas() for file in files)))
    _cache.move_to_end(known)
    return Records(study, _cache[known].curves.copy(), _cache[known].runs.copy())


_cache: OrderedDict[tuple[str, ...], Records] = OrderedDict()  # by study and checksums, the latest last


def _keep(known: tuple[str, ...], records: Records) -> None:
    """Put records into the cache, and drop the oldest of those that exceed MOST_BYTES together."""
    _cache[known] = records
    sizes = {each: kept.curves.memory_usage().sum() + kept.runs.memory_usage().sum() for each, kept in _cache.items()}
    while len(_cache) > 1 and sum(sizes[each] for each in _cache) > MOST_BYTES:
        _cache.popitem(last=False)


def load_or_empty(study: str) -> Records:
    """The published records of `study`, or empty tables where nothing is published.

    Records of which a file is missing are not nothing; a first publication that was interrupted is.
    """
    return load(study) if tables.exists(study, FILES) else _nothing(study)


def collect(study: str, runs: list[Run]) -> Records:
    """The records of exactly these runs, published or kept; LthError where one is missing."""
    return _collect(study, runs, load_or_empty(study))


def of_finished(study: str, finished: Iterable[Finished]) -> Records:
    """The records of finished runs, under the name of a study; LthError where they do not obey the format."""
    return _checked(study, *_tables(study, finished))


def _collect(study: str, runs: list[Run], published: Records) -> Records:
    """Published rows of these runs, and those of the kept ones that are not published."""
    keys = {run.key for run in runs}
    rows = published.runs[published.runs["key"].isin(keys)]
    finished = []
    for key in sorted(keys - set(published.runs["key"])):
        kept, problem = store.read_or_set_aside(key, groups=())
        if kept is None:
            raise LthError(problem or f"the study {study!r} is incomplete: `lth run {study}` trains what is missing")
        finished.append(kept)
    if not finished:  # what was loaded is checked and sorted
        return Records(study, _rows_of(published.curves, rows), rows.reset_index(drop=True))
    new_curves, new_rows = _tables(study, finished)
    return _checked(study, _concat([_rows_of(published.curves, rows), new_curves]), _concat([rows, new_rows]))


def _tables(study: str, finished: Iterable[Finished]) -> tuple[pd.DataFrame, pd.DataFrame]:
    """The curves and the runs of finished runs, as tables of the study whose cells are known to be good."""
    summaries, curves = [], []
    for run in finished:
        summaries.append({"study": study} | run.summary)
        where = pd.DataFrame([{name: summaries[-1][name] for name in KEYS}])
        curves.append(where.merge(pd.DataFrame(run.curve), how="cross"))
    for row in summaries:
        with _format_of(study):
            contents.check(row)
    rows = arrow.Table.from_pylist(summaries).to_pandas()  # the same types of column as in what is published
    return _concat(curves) if curves else pd.DataFrame(), rows


def publish(study: str, runs: list[Run], replace: bool = False, asked: str = "") -> tuple[Path, int]:
    """Fold finished `runs` into data/records/`study`/; returns the folder and how many runs it holds now.

    Runs already published stay, and the files are left alone where there is nothing new. LthError where they were made
    by another recipe of the same name, unless `replace`. `asked` is how the command line names the study.
    """
    old = _nothing(study) if replace else load_or_empty(study)
    todo = store.keys() - set(old.runs["key"])
    new = _collect(study, [run for run in runs if run.key in todo], old)
    if new.runs.empty and old.runs.empty:
        raise LthError(f"no run of the study {study!r} is finished yet: `lth run {asked or study}` trains it")
    folder = make_dir(records_dir() / study)
    if new.runs.empty:
        tables.finish(folder, FILES)
        return folder, len(old.runs)
    folded = _checked(study, _concat([old.curves, new.curves]), _concat([old.runs, new.runs]))
    frames = zip(FILES, (folded.curves, folded.runs), strict=True)
    tables.write(folder, {name: arrow.Table.from_pandas(frame, preserve_index=False) for name, frame in frames})
    return folder, len(folded.runs)


def diverged(runs: Records) -> list[str]:
    """The runs of which a loss is not a number, as tables name them."""
    lost = runs.curves[runs.curves[LOSSES].isna().any(axis=1)]
    return sorted({contents.named(row) for row in lost[KEYS].drop_duplicates().to_dict("records")})


def _nothing(study: str) -> Records:
    """Empty tables."""
    return Records(study, pd.DataFrame(columns=[*KEYS, "iteration"]), pd.DataFrame(columns=[*KEYS, "key", "spec"]))


def _rows_of(curves: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """The measurements of the given runs, in their order."""
    return curves.merge(runs[KEYS], on=KEYS) if len(runs) else curves[:0]


def _concat(frames: list[pd.DataFrame]) -> pd.DataFrame:
    """Non-empty frames, one below the other."""
    filled = [frame for frame in frames if len(frame)]
    return pd.concat(filled, ignore_index=True) if filled else frames[0]


def _checked(study: str, curves: pd.DataFrame, runs: pd.DataFrame) -> Records:
    """Sorted tables that obey the schema and hold one specification for each recipe name; LthError otherwise.

    Columns that came later are filled. Curves of runs that are not there are left out.
    """
    if runs.empty:
        return Records(study, curves, runs)
    with _format_of(study):
        specs = [json.loads(spec) for spec in runs["spec"]]
        for row, spec in zip(runs[[*KEYS, "key", "spec"]].to_dict("records"), specs, strict=True):
            contents.check_identity(row, spec)
        _check_specifications(study, specs)
        curves, runs = CURVES.validate(curves), RUNS.validate(schema.filled(runs))
    runs = runs.sort_values(KEYS, ignore_index=True)
    curves = _rows_of(curves, runs)[[*KEYS, *(c for c in curves if c not in KEYS)]]
    return Records(study, curves.sort_values([*KEYS, "iteration"], ignore_index=True), runs)


@contextlib.contextmanager
def _format_of(study: str) -> Iterator[None]:
    """LthError in the place of what a check of the records of `study` raises."""
    try:
        yield
    except (pa.errors.SchemaError, ValueError, TypeError, KeyError) as error:
        raise LthError(
            f"the records of {study!r} do not obey the record format: {str(error).splitlines()[0]}"
        ) from error


def _check_specifications(study: str, specs: list[dict]) -> None:
    """LthError unless all runs of a recipe's name have the same recipe, root seed and engine."""
    shared: dict[str, set[str]] = {}
    for spec in specs:
        of_recipe = json.dumps([spec["recipe"], spec["root_seed"], spec["engine"]], sort_keys=True)
        shared.setdefault(spec["recipe"]["name"], set()).add(of_recipe)
    for name, different in shared.items():
        if len(different) > 1:
            raise LthError(
                f"the study {study!r} mixes {len(different)} specifications of the recipe {name!r}: "
                f"publish them as studies of their own, or publish again with --replace"
            )
