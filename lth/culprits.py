"""Which deviations erase the winning ticket: the rule, fixed before any record of its studies existed, and its words.

An effect counts as *gone* where less than a third of the protocol's remains: about what the figures of the 2020 report
could still have hidden (see lth.comparison). The ticket's advantage is gone where the whole interval lies below a third
in speed and in accuracy at early stop; it is still there where one of the two lies wholly above. Anything else, fewer
than three trials, and a protocol whose own advantage is not established, cannot tell.
"""

from collections.abc import Sequence

import pandas as pd

from lth import effects
from lth.deviations import DEVIATIONS, control
from lth.effects import Configuration
from lth.errors import check_choice
from lth.estimators import Estimate, MissingRecords

GONE = 1 / 3
FEWEST = 3  # trials for a verdict
RULING = ("speed", "accuracy")  # both must go
ROLES = ("alone", "left out", "together")
WORDS = {
    "sufficient": "alone it erases the advantage: in speed and in accuracy less than a third of the protocol's is left",
    "weakens": "alone it leaves more than a third, in speed or in accuracy, but less than all of it",
    "no part": "alone it leaves more than a third, and the loss of the rest is not established",
    "necessary": "when everything else is on, the advantage is back: more than a third, in speed or in accuracy",
    "not necessary": "the advantage stays away without it, since the others suffice",
    "not asked": "all deviations together do not erase the advantage, so that none can be necessary for it",
    "inconclusive": "the intervals cannot tell, there are fewer than three trials, or the protocol shows no advantage",
    "no runs": "its runs are not published yet",
}
NULLS = ("reproduced", "reversed", "not reproduced", "inconclusive", "no runs")  # verdicts on all deviations together


def table(
    configurations: Sequence[Configuration], runs: pd.DataFrame, reference: pd.DataFrame, role: str
) -> pd.DataFrame:
    """One row a configuration: effects, shares of the protocol's that remain, n, and its verdict in this `role`.

    Columns: deviation, recipe, control, n, verdict; for each measure of lth.effects.MEASURES `effect`, and for those
    that rule and for "mean" (of both shares) `share`, as MultiIndex-free names such as "speed share low". `reference`
    holds the protocol's runs, whose ladder may be another: both are taken at the densities that are judged. Rows whose
    runs are missing have no numbers. Same runs, same table: the generator is seeded by the configuration.
    """
    check_choice("role", role, ROLES)
    reference = reference[reference["recipe"] == effects.PROTOCOL]
    established = _established(reference)
    rows = []
    for one in configurations:
        row = {"deviation": one.deviation, "recipe": one.recipe, "control": one.control, "n": 0, "verdict": "no runs"}
        try:
            row |= _measured(one, runs, reference)
        except MissingRecords:
            rows.append(row)
            continue
        rows.append(row | {"verdict": verdict(row, role) if established else "inconclusive"})
    columns = ["deviation", "recipe", "control", "n", "verdict", *_columns()]
    return pd.DataFrame(rows).reindex(columns=columns)


def reconstruction(runs: pd.DataFrame, reference: pd.DataFrame) -> tuple[pd.Series, pd.DataFrame]:
    """The row of all deviations together, and the rows of all but one: see `table`.

    A deviation can be necessary only where all together erase the advantage.
    """
    certain = [name for name in DEVIATIONS if name != "lost-weights"]  # the code does these whenever it runs
    together = table([Configuration("all", control(*certain))], runs, reference, "together").iloc[0]
    rows = table(effects.all_but_one(certain), runs, reference, "left out")
    if standing(together) != "gone":
        open_question = "not asked" if standing(together) == "there" else "inconclusive"
        rows["verdict"] = rows["verdict"].where(rows["verdict"] == "no runs", open_question)
    return together, rows


def prime(rows: pd.DataFrame, most: int = 3) -> list[str]:
    """The recipes of the deviations that, alone, take most of the advantage: those with a verdict to that effect.

    Where no verdict says so, the two that leave least. Without another control and lost weights, which are told apart.
    """
    trained = ranked(rows.dropna(subset=["mean share"]))
    trained = trained[~trained["deviation"].isin(["chain-control", "lost-weights"])]
    found = trained[trained["verdict"].isin(["sufficient", "weakens"])]
    return (found if len(found) else trained[:2])["recipe"].tolist()[:most]


def ranked(rows: pd.DataFrame) -> pd.DataFrame:
    """The rows by the mean share that remains, the least first; those without runs last."""
    return rows.sort_values("mean share", na_position="last", ignore_index=True)


def standing(row) -> str:
    """What has become of the advantage in a row of `table`: "gone", "there" or "cannot tell"."""
    if row["n"] < FEWEST:
        return "cannot tell"
    if all(row[f"{measure} share high"] < GONE for measure in RULING):
        return "gone"
    if any(row[f"{measure} share low"] > GONE for measure in RULING):
        return "there"
    return "cannot tell"


def verdict(row, role: str) -> str:
    """One of WORDS for a row; in the role "together" (all deviations) one of NULLS."""
    stands = standing(row)
    if role == "together":
        return _null(row, stands)
    if stands == "cannot tell":
        return "inconclusive"
    if role == "left out":
        return "necessary" if stands == "there" else "not necessary"
    if stands == "gone":
        return "sufficient"
    return "weakens" if row["mean share high"] < 1 else "no part"


def _null(row, stands: str) -> str:
    """Whether the null reproduces: both shares within a third of none, on either side."""
    if stands != "gone":
        return "not reproduced" if stands == "there" else "inconclusive"
    if all(row[f"{measure} share low"] > -GONE for measure in RULING):
        return "reproduced"
    lost = any(row[f"{measure} share high"] < -GONE for measure in RULING)
    return "reversed" if lost else "inconclusive"


def _measured(one: Configuration, runs: pd.DataFrame, reference: pd.DataFrame) -> dict:
    """The numbers of one row."""
    generator = effects.seeded(f"{one.recipe} {one.control}")
    runs = runs[runs["recipe"] == one.recipe]
    here, there = effects.judged_levels(runs), effects.judged_levels(reference)
    if len(here) != len(there):
        raise MissingRecords(f"{one.recipe} and the protocol do not reach the same densities")
    reference = reference.assign(level=reference["level"].map(dict(zip(there, here, strict=True)))).dropna(
        subset=["level"]
    )
    found = {}
    for measure in effects.MEASURES:
        found |= _named(f"{measure} effect", effects.effect(runs, one, measure, here, generator))
    for name, measures in (*((m, (m,)) for m in RULING), ("mean", RULING)):
        share = effects.remaining(runs, one, reference, measures, here, generator)
        found |= _named(f"{name} share", share) | {"n": share.n}
    return found


def _established(reference: pd.DataFrame) -> bool:
    """Whether the protocol itself shows an advantage: intervals above none in every ruling measure."""
    try:
        levels = effects.judged_levels(reference)
        protocol, generator = Configuration(effects.PROTOCOL), effects.seeded("protocol")
        found = {measure: effects.effect(reference, protocol, measure, levels, generator) for measure in RULING}
    except MissingRecords:
        return False
    none = {"speed": 1.0}
    return all(one.low is not None and one.low > none.get(measure, 0.0) for measure, one in found.items())


def _named(name: str, one: Estimate) -> dict:
    return {name: one.value, f"{name} low": one.low, f"{name} high": one.high}


def _columns() -> list[str]:
    names = [f"{measure} effect" for measure in effects.MEASURES] + [f"{m} share" for m in (*RULING, "mean")]
    return [column for name in names for column in (name, f"{name} low", f"{name} high")]
