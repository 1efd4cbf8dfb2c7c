"""What was decided when, beside the first record that it judges.

`data/decided.csv` holds a row a rule: what it is, the commit that fixed it, when that was, the file it is in, and the
studies that it judges. Where the first records of a study have been replaced, `first` says when they began: at no later
time than those that are published. A test holds it against git's history.
"""

from dataclasses import dataclass

import pandas as pd

from lth import records
from lth.paths import ROOT

FILE = ROOT / "data" / "decided.csv"


@dataclass(frozen=True)
class Decision:
    """A rule and its time; `first`: when the first run ended that it judges, None where there is none yet."""

    rule: str
    commit: str
    decided: pd.Timestamp
    first: pd.Timestamp | None

    @property
    def before(self) -> bool:
        """Whether it was fixed before the first record."""
        return self.first is None or self.decided < self.first


def decisions() -> list[Decision]:
    """All rows of the file, in its order."""
    rows = pd.read_csv(FILE, dtype=str, keep_default_na=False)
    return [
        Decision(row["rule"], row["commit"], pd.Timestamp(row["decided"]), _first(row["studies"].split(), row["first"]))
        for row in rows.to_dict("records")
    ]


def _first(studies: list[str], replaced: str) -> pd.Timestamp | None:
    """When the first run of some studies ended."""
    times = [pd.Timestamp(replaced)] if replaced else []
    published = [records.load_or_empty(study).runs for study in studies]
    times += [pd.Timestamp(runs["time"].min()) for runs in published if len(runs)]
    return min(times, default=None)
