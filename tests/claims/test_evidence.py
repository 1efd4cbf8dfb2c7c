"""Claims that are not judged by the table of runs: what becomes of the records, and which verdict follows."""

import json

import numpy as np
import pandas as pd
import pytest

from lth.barriers import POINTS
from lth.claims import evidence
from lth.claims.further import FURTHER
from lth.claims.rule import evaluate
from lth.records import KEYS, Records, instruments
from lth.records.instruments import BARRIERS, SUPERMASKS
from lth.statistics.paired import BARRIER, DISAGREEMENT, ENSEMBLE_GAIN, MASK_ACC, START_ACC

SPEC = json.dumps({"recipe": {"iterations": 12_000}})
TRIALS = range(6)


def run(arm, trial, level, draw=0, start=0.1, final=0.97, wrong=()):
    place = dict(zip(KEYS, ("s", "protocol", arm, trial, draw, level), strict=True))
    return place | {"spec": SPEC, "start": start, "final_test_acc": final, "wrong_test_images": np.array(wrong, int)}


def records(*rows) -> Records:
    runs = pd.DataFrame(rows)
    first = runs[KEYS].assign(iteration=0, test_acc=runs["start"])
    return Records("s", pd.concat([first, first.assign(iteration=200, test_acc=0.9)]), runs.drop(columns="start"))


def by_arm(table, measure, level):
    return table[table["level"] == level].groupby("arm")[measure].mean().dropna().to_dict()


def test_accuracy_before_training_is_that_at_iteration_0():
    made = records(*(run(a, t, 2, start=s + t / 100) for t in TRIALS for a, s in (("ticket", 0.5), ("reinit", 0.1))))
    table = evidence.at_start(made)
    assert by_arm(table, START_ACC, 2) == pytest.approx({"ticket": 0.525, "reinit": 0.125, "chance": 0.1})
    both = pd.concat([table, table.assign(level=3)])
    verdict = evaluate(FURTHER["Z4"], both)
    assert (verdict.verdict, verdict.n) == ("replicated", 6) and verdict.estimate == pytest.approx(40)
    swapped = both.assign(arm=both["arm"].replace({"ticket": "reinit", "reinit": "ticket"}))
    assert evaluate(FURTHER["Z4"], swapped).verdict == "not replicated"


def test_relearning_compares_with_the_network_of_the_level_before_and_draws_with_each_other():
    """100 images wrong in the parent; tickets keep 90 of them, each draw of fresh weights has 100 of its own."""
    rows = []
    for trial in TRIALS:
        rows.append(run("ticket", trial, 2, wrong=range(100)))
        rows.append(run("ticket", trial, 3, wrong=range(10, 110 + trial)))
        for draw in range(3):
            rows.append(run("retrained", trial, 3, draw, wrong=range(10, 110)))
            rows.append(run("reinit", trial, 3, draw, wrong=range(1000 * draw, 1000 * draw + 100)))
    table = evidence.relearning(records(*rows))
    apart = by_arm(table, DISAGREEMENT, 3)
    assert apart["ticket to parent"] == pytest.approx((20 + 2.5) / 10_000)
    assert apart["reinit to parent"] == pytest.approx((0 + 200 + 200) / 3 / 10_000)
    assert apart["retrained to each other"] == 0 and apart["reinit to each other"] == pytest.approx(0.02)
    gains = by_arm(table, ENSEMBLE_GAIN, 3)
    assert gains == pytest.approx({"retrained": 0, "reinit": 0.01, "nothing": 0})
    four = pd.concat([table, table[table["level"] == 3].assign(level=4)])
    verdicts = {name: evaluate(FURTHER[name], four).verdict for name in ("G1", "G2", "G3-ticket", "G3-fresh")}
    assert set(verdicts.values()) == {"replicated"}


def test_a_stranger_is_the_parent_of_another_trial():
    """Of 100 wrong images a ticket keeps all of its own parent's, and shares none with another's."""
    rows = [
        run("ticket", trial, level, wrong=range(100 * trial, 100 * trial + 100)) for trial in (0, 1) for level in (2, 3)
    ]
    table = evidence.strangers(records(*rows, run("reinit", 0, 3, wrong=range(50))))
    assert set(table["arm"]) == {"ticket to another's parent"} and set(table["level"]) == {3}
    assert table.set_index("trial")[DISAGREEMENT].to_dict() == pytest.approx({0: 0.02, 1: 0.02})


def provenance(**keys):
    told = dict.fromkeys(("key", "machine", "versions", "commit", "time"), "x")
    return {"study": "s", "recipe": "protocol", "spec": SPEC, "seconds": 1.0} | told | keys


def line(height: float) -> list[float]:
    return [0.02] * (POINTS // 2) + [0.02 + height] + [0.02] * (POINTS - POINTS // 2 - 1)


def barriers(arm="ticket", kind="orders", height=0.0, **keys):
    keys |= {f"{part}_errors": line(height if part == "test" else 0.5) for part in ("train", "validation", "test")}
    return [
        provenance(arm=arm, kind=kind, trial=trial, level=level, **({"iteration": 0} | keys))
        for trial in TRIALS
        for level in (0, 2, 3, 4)
    ]


def test_barriers_are_those_on_test_images_of_copies_that_part_at_iteration_0(data_dir):
    rows = barriers(height=0.004) + barriers("reinit", height=0.05) + barriers(height=0.3, iteration=500)
    instruments.add(BARRIERS, rows + barriers(kind="levels", height=0.3))
    of_all = records(*(run("ticket", trial, 0) for trial in TRIALS))
    orders, levels = evidence.TABLES["barriers"](of_all), evidence.TABLES["level barriers"]
    assert by_arm(orders, BARRIER, 3) == pytest.approx({"ticket": 0.004, "reinit": 0.05, "nothing": 0})
    assert set(evidence.TABLES["barriers"](records(run("ticket", 0, 0)))["trial"]) == {0}  # those of the records
    assert [evaluate(FURTHER[name], orders).verdict for name in ("M1-dense", "M1-ticket", "M2")] == ["replicated"] * 3
    between = levels(of_all)
    assert evaluate(FURTHER["P1"], between).verdict == "not replicated"


def test_supermasks_are_compared_with_the_best_ticket_before_training_and_the_trained_network(data_dir):
    kinds = {"learned": 0.953, "learned-scaled": 0.969, "signed": 0.9705}
    masks = [
        provenance(arm="ticket", trial=t, level=0, kind=k, density=0.5, test_acc=acc + t / 1e4, validation_acc=0.9)
        for t in TRIALS
        for k, acc in kinds.items()
    ]
    instruments.add(SUPERMASKS, masks)
    runs = [run("ticket", t, level, start=0.2 * level, final=0.97) for t in TRIALS for level in (0, 2, 3)]
    table = evidence.supermasks(records(*runs))
    assert by_arm(table, MASK_ACC, 0) == pytest.approx(
        {"learned": 0.95325, "learned-scaled": 0.96925, "signed": 0.97075, "best ticket at start": 0.6, "trained": 0.97}
    )
    assert [evaluate(FURTHER[name], table).verdict for name in ("Z5", "Z5-scaled", "K1")] == ["replicated"] * 3


def test_every_table_that_a_claim_names_is_there_and_has_its_columns():
    assert {claim.table for claim in FURTHER.values()} == set(evidence.TABLES)


def test_without_records_nothing_is_tested(data_dir):
    assert set(evidence.table()["verdict"]) == {"not tested"}
    assert set(evidence.further()["claim"]) == set(FURTHER)
