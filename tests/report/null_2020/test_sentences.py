import pandas as pd
import pytest
from effects_made import LEFT, rows, together

from lth.report import text
from lth.report.null_2020 import sentences
from lth.statistics.bootstrap import Estimate
from lth.studies.deviations import CERTAIN, DEVIATIONS


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
    said = sentences.null_sentence(together(verdict), 12_000)
    assert words in said and (said.startswith("At 12,000 iterations, w") or verdict == "no runs")
    assert "all nine deviations" in said and len(CERTAIN) == 9


def test_each_deviation_has_its_lesson():
    assert sentences.lessons(["late-rewind"]).splitlines()[2].startswith("| late rewind | Compare the rewound weights")
    assert "none is convicted yet" in sentences.lessons([])
    assert sentences.LESSONS.keys() == DEVIATIONS.keys()


def test_the_table_says_what_is_left_out():
    left = rows(LEFT, "all-but-{}")
    effects = sentences.effects_table(left, "left out").splitlines()
    assert effects[0].endswith("| Accuracy back | n | Verdict |")
    assert effects[2].startswith("| all but small weights | ticket's masks | 0.10 [0.10, 0.10] | +0.10")


def test_numbers_in_words():
    assert text.estimate_text(Estimate(2.0, 1.5, 2.5, 5, None), "{:.2f}") == "2.00 [1.50, 2.50]"
    assert text.estimate_text(Estimate(-0.2, None, None, 1, None), "{:+.1f}") == "−0.2"
    assert text.interval(pd.Series({"x": float("nan")}), "x", "{}") == "–"
    assert sentences.listed(["a"]) == "a" and sentences.listed(["a", "b", "c"]) == "a, b and c"
    mixed = rows({"late-rewind": "no loss shown", "small-weights": "sufficient", "lost-weights": "no loss shown"})
    assert sentences.by_verdict(mixed) == "sufficient: small weights; no loss shown: late rewind and lost weights"
    assert text.counts(mixed) == "5"
