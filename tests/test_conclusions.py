import pandas as pd
import pytest

from lth import conclusions
from lth.deviations import DEVIATIONS
from lth.estimators import Estimate
from lth.studies import CERTAIN


def rows(verdicts: dict[str, str], recipe: str = "{}") -> pd.DataFrame:
    """Rows of lth.culprits.table; the first deviation leaves least."""
    numbers = {
        f"{m} {what}{end}": 0.1
        for m, what in (("speed", "effect"), ("accuracy", "effect"), ("final accuracy", "effect"))
        for end in ("", " low", " high")
    }
    numbers |= {
        f"{m} share{end}": v for m in ("speed", "accuracy") for end, v in (("", 0.2), (" low", -0.1), (" high", 0.3))
    }
    return pd.DataFrame(
        [
            {"deviation": name, "recipe": recipe.format(name), "control": "reinit", "n": 5, "verdict": verdict}
            | numbers
            | {"mean share": 0.1 * i, "mean share low": 0.0, "mean share high": 0.1 * i + 0.1}
            for i, (name, verdict) in enumerate(verdicts.items())
        ]
    )


def together(verdict):
    return rows({"": verdict}, "all").iloc[0]


ALONE = dict.fromkeys(DEVIATIONS, "no part")
LEFT = dict.fromkeys(CERTAIN, "not necessary")


def cause(null, alone=None, left=None):
    return conclusions.cause_sentences(together(null), rows(ALONE | (alone or {})), rows(LEFT | (left or {})))


def test_the_cause_names_what_is_sufficient_and_what_is_necessary():
    said = cause("reproduced", {"small-weights": "sufficient"}, {"late-rewind": "necessary"})
    assert "explains the null." in said
    assert "Small weights would do it alone." in said
    assert "Late rewind is necessary" in said


def test_the_cause_follows_the_null():
    assert "does not explain" in cause("not reproduced")
    assert "cannot tell yet" in cause("inconclusive", left=dict.fromkeys(CERTAIN, "inconclusive"))
    assert "No single deviation" in cause("reproduced") and "No deviation is necessary" in cause("reproduced")
    speed = cause("for speed only", left={"small-weights": "necessary", "carried-optimizer": "necessary"})
    assert "explains the null in speed, and not that in accuracy" in speed
    assert (
        "Small weights and carried optimizer are each necessary: without it, the advantage in speed is back." in speed
    )
    lost = cause("not reproduced", {"lost-weights": "sufficient"})
    assert "does not explain" in lost and "Lost weights" in lost


@pytest.mark.parametrize(
    ("verdict", "words"),
    [
        ("reproduced", "the null is reproduced: what is left is 20% [−10%, 30%] of the protocol's advantage in speed"),
        ("not reproduced", "the null is not reproduced"),
        ("for speed only", "in speed and not in accuracy"),
        ("reversed", "fall behind their control"),
        ("inconclusive", "cannot be told yet"),
        ("no runs", "There are no records yet"),
    ],
)
def test_the_null_is_told_with_its_numbers(verdict, words):
    assert words in conclusions.null_sentence(together(verdict))


def test_each_deviation_has_its_lesson():
    assert (
        conclusions.lessons(["late-rewind"]).splitlines()[2].startswith("| late rewind | Compare the rewound weights")
    )
    assert "none is convicted yet" in conclusions.lessons([])
    assert conclusions.LESSONS.keys() == DEVIATIONS.keys()


def test_tables_hold_every_row_and_say_what_is_not_among_all():
    alone, left = rows(ALONE), rows(LEFT, "all-but-{}")
    final = conclusions.final_table(alone, left).splitlines()
    assert len(final) == 2 + len(DEVIATIONS)
    assert [line for line in final if "not among them" in line][0].startswith("| lost weights |")
    effects = conclusions.effects_table(left, "left out").splitlines()
    assert effects[0].endswith("| Accuracy back | n | Verdict |")
    assert effects[2].startswith("| all but small weights | own masks | 0.10 [0.10, 0.10] | +0.10")


def test_numbers_in_words():
    assert conclusions.estimate_text(Estimate(2.0, 1.5, 2.5, 5, None), "{:.2f}") == "2.00 [1.50, 2.50]"
    assert conclusions.estimate_text(Estimate(-0.2, None, None, 1, None), "{:+.1f}") == "−0.2"
    assert conclusions.interval(pd.Series({"x": float("nan")}), "x", "{}") == "–"
    assert conclusions.listed(["a"]) == "a" and conclusions.listed(["a", "b", "c"]) == "a, b and c"
    mixed = rows({"late-rewind": "no part", "small-weights": "sufficient", "lost-weights": "no part"})
    assert conclusions.by_verdict(mixed) == "sufficient: small weights; no part: late rewind and lost weights"
    assert conclusions.counts(mixed) == "5"


def test_the_witness_leaves_a_share_of_each_advantage():
    said = conclusions.witness_sentence(2.0, 4.0, 0.1, 1.0)
    assert "leaves 50% of that in speed and 10% of that in accuracy." in said
    assert "−20% of that in accuracy" in conclusions.witness_sentence(1.0, 4.0, -0.2, 1.0)
    assert "no advantage" in conclusions.witness_sentence(1.0, 0.9, 0.0, 1.0)
