"""What the records say of what a claim is about, as a table of the keys and the measure; and the table of all verdicts.

Most claims are judged by the table `runs` of a study. The others have a table made here, in which what is compared
stands in the place of an arm: "nothing" is 0 in every trial and at every level, "chance" what guessing gives.
"""

import json
from collections.abc import Callable

import numpy as np
import pandas as pd

from lth import records
from lth.barriers import barrier
from lth.claims import rule
from lth.claims.claim import Claim
from lth.claims.further import FURTHER
from lth.claims.paper import every
from lth.records import Records, instruments
from lth.records.instruments import BARRIERS, SUPERMASKS
from lth.statistics import agreement
from lth.statistics.paired import AT_END, BARRIER, DISAGREEMENT, ENSEMBLE_GAIN, MASK_ACC, START_ACC

IMAGES = 10_000  # of MNIST's and Fashion-MNIST's test sets
COLUMNS = ["recipe", "arm", "trial", "level", "spec"]


def _with(arm: str, value: float, measure: str, table: pd.DataFrame) -> pd.DataFrame:
    """The table with an arm that has one value wherever the ticket is."""
    like = table[["recipe", "trial", "level", "spec"]].drop_duplicates(["recipe", "trial", "level"])
    return pd.concat([table, like.assign(arm=arm, **{measure: value})], ignore_index=True)


def at_start(published: Records) -> pd.DataFrame:
    """Test accuracy before training, by run."""
    first = published.curves[published.curves["iteration"] == 0]
    keys = [*records.KEYS]
    table = published.runs[[*keys, "spec"]].merge(first[[*keys, "test_acc"]].rename(columns={"test_acc": START_ACC}))
    return _with("chance", 0.1, START_ACC, table)


def relearning(published: Records) -> pd.DataFrame:
    """Disagreement and ensembles of several networks of one mask, by trial and level from 1 on.

    "ticket to parent", "reinit to parent": with the network of the level before, from which the mask was pruned;
    "retrained to each other", "reinit to each other": of the draws; "retrained", "reinit": what an ensemble gains.
    """
    runs = published.runs[published.runs["wrong_test_images"].notna()]
    bits = runs["wrong_test_images"].map(lambda places: agreement.wrong(places, IMAGES))
    rows = []
    for (recipe, trial, level), group in runs.groupby(["recipe", "trial", "level"]):
        by_arm = {arm: [bits[i] for i in part.index] for arm, part in group.groupby("arm")}
        of_trial = runs[(runs["recipe"] == recipe) & (runs["trial"] == trial) & (runs["arm"] == "ticket")]
        where = {"recipe": recipe, "trial": trial, "level": level, "spec": group["spec"].iloc[0]}
        for parent in of_trial.index[of_trial["level"] == level - 1]:
            for arm in by_arm.keys() & {"ticket", "reinit"}:
                for one in by_arm[arm]:
                    shares = {DISAGREEMENT: agreement.disagreement(one, bits[parent])}
                    rows.append(where | {"arm": f"{arm} to parent"} | shares)
        for arm in by_arm.keys() & {"retrained", "reinit"}:
            if len(by_arm[arm]) > 1:
                apart = {DISAGREEMENT: agreement.mean_disagreement(by_arm[arm])}
                rows.append(where | {"arm": f"{arm} to each other"} | apart)
                rows.append(where | {"arm": arm, ENSEMBLE_GAIN: agreement.ensemble_gain(by_arm[arm])})
    table = pd.DataFrame(rows, columns=[*COLUMNS, DISAGREEMENT, ENSEMBLE_GAIN])
    return _with("nothing", 0.0, ENSEMBLE_GAIN, table)


def strangers(published: Records) -> pd.DataFrame:
    """Disagreement of each ticket with the networks of the level before it in every other trial, averaged by trial.

    What `relearning` calls "ticket to parent" is to be held against this: networks of one study that share nothing.
    """
    runs = published.runs[(published.runs["arm"] == "ticket") & published.runs["wrong_test_images"].notna()]
    bits = runs["wrong_test_images"].map(lambda places: agreement.wrong(places, IMAGES))
    rows = []
    for i, run in runs[runs["level"] > 0].iterrows():
        others = (
            (runs["recipe"] == run["recipe"]) & (runs["trial"] != run["trial"]) & (runs["level"] == run["level"] - 1)
        )
        shares = [agreement.disagreement(bits[i], bits[parent]) for parent in runs.index[others]]
        if shares:
            where = {name: run[name] for name in ("recipe", "trial", "level", "spec")}
            rows.append(where | {"arm": "ticket to another's parent", DISAGREEMENT: float(np.mean(shares))})
    return pd.DataFrame(rows, columns=[*COLUMNS, DISAGREEMENT])


def _barriers(kind: str) -> Callable[[Records], pd.DataFrame]:
    def of_study(published: Records) -> pd.DataFrame:
        """The barrier on test images by trial, arm and level, of copies that part at iteration 0 or of two levels."""
        lines = instruments.load(BARRIERS)
        chosen = lines[(lines["study"] == published.study) & (lines["kind"] == kind) & (lines["iteration"] == 0)]
        chosen = chosen[chosen["trial"].isin(published.runs["trial"])]
        table = chosen[COLUMNS].assign(**{BARRIER: chosen["test_errors"].map(barrier).astype(float)})
        return _with("nothing", 0.0, BARRIER, table)

    return of_study


def supermasks(published: Records) -> pd.DataFrame:
    """Test accuracy of learned masks by trial, with the best ticket at its start and the trained dense network."""
    learned = instruments.load(SUPERMASKS)
    of_trials = (learned["study"] == published.study) & learned["trial"].isin(published.runs["trial"])
    masks = learned[of_trials].rename(columns={"test_acc": MASK_ACC})
    start = at_start(published)
    tickets = start[start["arm"] == "ticket"].rename(columns={START_ACC: MASK_ACC})
    best = tickets.sort_values(MASK_ACC).drop_duplicates(["recipe", "trial"], keep="last")
    runs = published.runs
    dense = runs[(runs["arm"] == "ticket") & (runs["level"] == 0)].rename(columns={AT_END: MASK_ACC})
    parts = (
        masks.assign(arm=masks["kind"]),
        best.assign(arm="best ticket at start", level=0),
        dense.assign(arm="trained"),
    )
    return pd.concat([part[[*COLUMNS, MASK_ACC]] for part in parts], ignore_index=True)


TABLES: dict[str, Callable[[Records], pd.DataFrame]] = {
    "runs": lambda published: published.runs,
    "start": at_start,
    "relearning": relearning,
    "barriers": _barriers("orders"),
    "level barriers": _barriers("levels"),
    "supermasks": supermasks,
}


def of(claim: Claim) -> pd.DataFrame:
    """The table by which the published records judge a claim; empty where its study has none."""
    published = records.load_or_empty(claim.study)
    return published.runs if published.runs.empty else TABLES[claim.table](published)


def table() -> pd.DataFrame:
    """The verdicts on all claims, of the paper and of later ones, in the columns of rule.table."""
    found: dict[tuple[str, str], pd.DataFrame] = {}
    for claim in every().values():
        if (claim.study, claim.table) not in found:
            found[claim.study, claim.table] = of(claim)
    return rule.as_table(rule.evaluate(claim, found[claim.study, claim.table]) for claim in every().values())


def further() -> pd.DataFrame:
    """The verdicts on the claims of later papers."""
    frame = table()
    return frame[frame["claim"].isin(FURTHER)].reset_index(drop=True)


def as_json() -> str:
    """All claims with their verdicts as JSON: a list with an object for each claim."""
    frame = table().rename(columns={"claim": "id"})
    rows = frame.astype(object).where(frame.notna(), None).to_dict("records")
    names = ("id", "statement", "source", "claimed", "estimate", "low", "high", "n", "verdict", "note")
    return json.dumps([{name: row[name] for name in names} for row in rows], indent=1, ensure_ascii=False)
