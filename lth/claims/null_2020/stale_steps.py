"""What a carried optimizer does to small weights: three accounts, and what each predicts; older than the first record.

See data/registered.md for the words. The optimizer is taken apart (lth.studies.deviations.PARTS): an account says in
which of the parts the tickets' lead in speed is kept, and in which it is lost.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from lth.records.selections import run_keys
from lth.statistics.bootstrap import Estimate, MissingRecords
from lth.statistics.contrasts import over_trials

LEVELS = (1, 2, 3)  # those judged
TRIALS = 5  # those registered
FEWEST = 4  # trials for a verdict
ACCURACY = 0.95  # on the validation images: speed is how soon it is reached
BACKGROUNDS = {"": "", "standard inputs": "+standard-inputs"}  # what a recipe's name ends with
WHOLE, PARTS = "carried-optimizer", ("carried-moments", "carried-steps", "shuffled-moments")
KEPT, LOST, UNTOLD = "kept", "lost", "cannot be told"
ACCOUNTS = {  # in the order of PARTS: is the lead kept or lost, by each account?
    "the start is written over": (KEPT, LOST, LOST),
    "stale moments shorten the steps": (LOST, KEPT, LOST),
    "fresh weights get the ticket's moments": (LOST, KEPT, KEPT),
}
SUPPORTED, CONTRADICTED = "supported", "contradicted"


@dataclass(frozen=True)
class Part:
    """One part of the carried optimizer on one background, judged against no optimizer carried and the whole of it.

    kept: its speed minus that of the whole; lost: the speed without any minus its speed; both paired, in logarithms.
    """

    name: str
    background: str
    verdict: str
    kept: Estimate
    lost: Estimate


def recipe(part: str, background: str) -> str:
    """The name of the recipe with small weights, a part of the optimizer ("": none) and the inputs of a background."""
    return "+".join(filter(None, ("small-weights", part))) + BACKGROUNDS[background]


def reached(curves: pd.DataFrame, accuracy: float = ACCURACY) -> pd.Series:
    """By run, the iteration at which its validation accuracy first reaches `accuracy`; NaN where it never does.

    Interpolated linearly between the last measurement below and the first that is not.
    """
    ordered = curves.sort_values("iteration")
    keys = run_keys(curves)
    before = ordered.groupby(keys)[["iteration", "val_acc"]].shift()
    there = ordered["val_acc"] >= accuracy
    first = there & ~there.groupby([ordered[key] for key in keys]).cumsum().gt(1)
    share = (accuracy - before["val_acc"]) / (ordered["val_acc"] - before["val_acc"])
    crossing = before["iteration"] + share * (ordered["iteration"] - before["iteration"])
    crossing = crossing.fillna(ordered["iteration"])  # the first measurement has none before it
    return crossing.where(first).groupby([ordered[key] for key in keys]).min()


def speeds(curves: pd.DataFrame) -> pd.DataFrame:
    """By trial (rows) and recipe (columns): ln of the control's iterations to ACCURACY over the ticket's, and both.

    Columns are (measure, recipe); measures: speed, ticket, reinit (the last two are logarithms of iterations). A mean
    over LEVELS; NaN where a run is missing or never gets there.
    """
    judged = curves[curves["level"].isin(LEVELS) & (curves["trial"] < TRIALS)]
    logs = np.log(reached(judged)).rename("log").reset_index()
    table = logs.pivot_table(index="trial", columns=["arm", "recipe", "level"], values="log", dropna=False)
    arms = {
        arm: pd.DataFrame(
            {
                name: table[arm][name].reindex(columns=list(LEVELS)).mean(axis=1, skipna=False)
                for name in table[arm].columns.unique("recipe")
            }
        )
        for arm in ("ticket", "reinit")
    }
    return pd.concat({"speed": arms["reinit"] - arms["ticket"]} | arms, axis=1)


def judge_part(part: str, background: str, reaching: pd.DataFrame) -> Part:
    """Whether a part keeps the lead that small weights leave, or loses it as the whole carried optimizer does.

    Kept: the interval of its speed minus that of the whole lies above 0, and its mean is nearer to that without any.
    Lost: the interval of the speed without any minus its speed lies above 0, and its mean is nearer to the whole's.
    `reaching` is what `speeds` gives.
    """
    speed, names = reaching["speed"], [recipe(each, background) for each in ("", part, WHOLE)]
    if lacking := [name for name in names if name not in speed]:
        raise MissingRecords(f"no speed of {', '.join(lacking)} is recorded")
    complete = speed[names].dropna()
    without, own, whole = (complete[name].to_numpy() for name in names)
    kept, lost = over_trials(own - whole), over_trials(without - own)
    verdict = UNTOLD
    if len(complete) >= FEWEST and kept.above(0) and abs(lost.value) < abs(kept.value):
        verdict = KEPT
    elif len(complete) >= FEWEST and lost.above(0) and abs(kept.value) < abs(lost.value):
        verdict = LOST
    return Part(part, background, verdict, kept, lost)


def shifts(part: str, background: str, reaching: pd.DataFrame) -> dict[str, Estimate]:
    """By arm, how much later it reaches ACCURACY with a part than without any, in logarithms; paired."""
    one, other = recipe(part, background), recipe("", background)
    return {
        arm: over_trials((reaching[arm][one] - reaching[arm][other]).dropna().to_numpy())
        for arm in ("ticket", "reinit")
    }


def judge(parts: Mapping[str, str]) -> dict[str, str]:
    """The word for each account on one background, given the verdict on each part.

    Supported where all three are as it says, contradicted where one is told and is otherwise, or else not told.
    """
    words = {}
    for account, predicted in ACCOUNTS.items():
        found = [parts[name] for name in PARTS]
        wrong = any(word not in (said, UNTOLD) for word, said in zip(found, predicted, strict=True))
        words[account] = CONTRADICTED if wrong else SUPPORTED if found == list(predicted) else UNTOLD
    return words


def steps(runs: pd.DataFrame, levels: Sequence[int] = LEVELS) -> pd.DataFrame:
    """A row for each run at `levels` and measured step: its length over all surviving weights, in learning rates.

    Columns: recipe, arm, trial, level, iteration, step, train_loss, val_loss. MissingRecords where none is measured.
    """
    measured = runs[runs["level"].isin(levels)].dropna(subset=["steps"]) if "steps" in runs else runs[:0]
    if measured.empty:
        raise MissingRecords("the length of single steps is not recorded in these runs")
    rows = []
    for run in measured.to_dict("records"):
        rate = json.loads(run["spec"])["recipe"]["optimizer"]["learning_rate"]
        remaining = {name: left for name, left in json.loads(run["remaining"]).items() if name.endswith("weight")}
        for row in json.loads(run["steps"]):
            mean_square = sum(left * row[name] ** 2 for name, left in remaining.items()) / sum(remaining.values())
            key = {name: run[name] for name in ("recipe", "arm", "trial", "level")}
            losses = {name: row[name] for name in ("iteration", "train_loss", "val_loss")}
            rows.append(key | losses | {"step": mean_square**0.5 / rate})
    return pd.DataFrame(rows)
