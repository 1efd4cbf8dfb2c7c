"""The frame of the claims' figure: what is found, what is claimed, and what five trials could have printed."""

import pandas as pd

from lth.arms import ARMS
from lth.claims.claim import GAIN, SOONER, Claim
from lth.claims.paper import CLAIMS
from lth.records.selections import density_at
from lth.statistics.paired import DENSE

SPEED, ACCURACY = "Times as early", "Test accuracy"
PANELS = {
    SPEED: {"x": "times as early a stop (log scale)", "none": 1.0, "log": True},
    ACCURACY: {"x": "difference (percentage points)"},
}
SHORT = {DENSE: "dense", "reinit": "fresh"}  # where labels are narrow


def forest(table: pd.DataFrame, runs: pd.DataFrame) -> pd.DataFrame:
    """A row for each claim of an effect's size, of a table of posthoc.table, as intervals.rows takes it.

    Claims on how much earlier a stop comes are told as how many times as early. from, to: what five trials could have
    printed. Claims about levels are left out, and what is not tested.
    """
    rows = [(CLAIMS[row["claim"]], row) for row in table.to_dict("records") if row["n"]]
    return pd.DataFrame([_row(claim, row, runs) for claim, row in rows if claim.estimator in ("mean", "best")])


def _row(claim: Claim, row: dict, runs: pd.DataFrame) -> dict:
    """One claim's row."""
    found = {"mean": row["estimate"], "low": row["low"], "high": row["high"]}
    found |= {"claimed": claim.number, "from": row["repeat low"], "to": row["repeat high"]}
    if claim.effect == SOONER:
        found = {name: None if value is None else 1 / (1 - value / 100) for name, value in found.items()}
    return {"panel": ACCURACY if claim.effect == GAIN else SPEED, "row": label(claim, runs), "n": row["n"]} | found


def label(claim: Claim, runs: pd.DataFrame) -> str:
    """A claim in few words: its name without what follows a dash, the two sides, and the weights left."""
    arm, against = (SHORT.get(name) or ARMS[name].short.split()[-1] for name in (claim.arm, claim.against))
    where = "best" if claim.estimator == "best" else f"{100 * density_at(runs, claim.levels[0]):.3g}%"
    return f"{claim.id.split('-')[0]} {arm}, {against}, {where}"
