import numpy as np
import pytest
from effects_made import made

from lth.errors import LthError
from lth.report.null_2020 import factorial, rule
from lth.statistics import bootstrap
from lth.statistics.bootstrap import MissingRecords

FACTORS = ["small-weights", "carried-optimizer"]


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 499)


def corners(*shares):
    """Records of a 2 x 2 factorial: the protocol, the first, the second, both."""
    configurations = factorial.corners(FACTORS).values()
    return made({one.recipe: {"reinit": share} for one, share in zip(configurations, shares, strict=True)})


def test_corners_are_all_combinations_under_the_names_of_the_study():
    recipes = [one.recipe for one in factorial.corners(FACTORS).values()]
    assert recipes == ["protocol", "small-weights", "carried-optimizer", "small-weights+carried-optimizer"]
    assert factorial.deviations_of(recipes) == FACTORS
    with_control = factorial.corners(["small-weights", "chain-control"])
    assert {one.control for on, one in with_control.items() if "chain-control" in on} == {"chain-reinit"}
    assert len(factorial.corners([*FACTORS, "standard-inputs"])) == 8


@pytest.mark.parametrize("measure", ["speed", "accuracy"])
@pytest.mark.parametrize(
    ("shares", "main_1", "main_2", "interaction"),
    [
        ((1.0, 0.2, 0.6, 0.0), -0.7, -0.3, 0.1),
        ((1.0, 0.5, 0.5, 0.0), -0.5, -0.5, 0.0),  # each takes half whatever the other does
        ((1.0, 1.0, 1.0, 0.0), -0.5, -0.5, -0.5),  # only both together take anything
        ((1.0, 0.0, 0.0, 0.0), -0.5, -0.5, 0.5),  # one is enough
    ],
)
def test_terms_are_those_put_in(measure, shares, main_1, main_2, interaction):
    found = factorial.terms(corners(*shares), FACTORS, measure)
    assert found["term"].tolist() == ["small weights", "carried optimizer", "small weights × carried optimizer"]
    assert found["value"].tolist() == pytest.approx([main_1, main_2, interaction], abs=0.04)
    assert (found["value low"] <= found["value"]).all() and (found["value"] <= found["value high"]).all()
    assert found["order"].tolist() == [1, 1, 2]


def test_only_complete_trials_count():
    runs = corners(1.0, 0.2, 0.6, 0.0)
    both = runs["recipe"] == "small-weights+carried-optimizer"
    assert set(factorial.terms(runs[~both | (runs["trial"] > 1)], FACTORS, "speed")["n"]) == {3}
    with pytest.raises(MissingRecords):
        factorial.terms(runs[~both], FACTORS, "speed")


def test_a_factorial_takes_two_deviations():
    with pytest.raises(LthError, match="not 1"):
        factorial.terms(corners(1.0, 0.2, 0.6, 0.0), FACTORS[:1], "speed")


def test_the_sentence_names_what_is_established_in_both_measures():
    by_measure = {m: factorial.terms(corners(1.0, 0.1, 1.0, 0.1), FACTORS, m) for m in ("speed", "accuracy")}
    said = factorial.terms_sentence(by_measure)
    assert said.startswith(
        "In speed and in accuracy alike, of the deviations, small weights takes from the advantage. "
    )
    assert "(n = 5)" in said
    table = factorial.terms_table(by_measure).splitlines()
    assert table[0] == "| Term | In speed | In accuracy | n |"
    assert table[2].startswith("| small weights | −")


def test_three_way_signs_cancel_where_nothing_interacts():
    three = [*FACTORS, "standard-inputs"]
    additive = {on: 1.0 - 0.2 * len(on) for on in factorial.corners(three)}
    runs = made({one.recipe: {"reinit": additive[on]} for on, one in factorial.corners(three).items()}, noise=0.0)
    found = factorial.terms(runs, three, "accuracy")
    assert np.allclose(found["value"], [-0.2] * 3 + [0.0] * 4)


@pytest.mark.parametrize(
    ("shares", "verdicts", "words"),
    [
        ((1.0, 1.0, 0.6, 0.0), ["necessary", "necessary"], "Small weights and carried optimizer are each necessary"),
        (
            (1.0, 0.0, 1.0, 0.0),
            ["necessary", "not necessary"],
            "Small weights is necessary for it. Carried optimizer can",
        ),
        ((1.0, 1.0, 1 / 3, 0.0), ["inconclusive", "necessary"], "Carried optimizer is necessary"),
        ((1.0, 1.0, 0.6, 0.9), ["not asked", "not asked"], "together erase the advantage is not established"),
    ],
)
def test_what_is_necessary_for_all_is_what_the_others_do_not_erase(shares, verdicts, words):
    runs = corners(*shares)
    rows = rule.table(list(factorial.corners(FACTORS).values())[1:], runs, runs, "alone")
    each = factorial.parts(rows, FACTORS)
    assert each["verdict"].tolist() == verdicts
    assert each["recipe"].tolist() == ["carried-optimizer", "small-weights"]
    assert words in factorial.parts_sentence(rows.iloc[-1], each)
    table = factorial.parts_table(rows.iloc[-1], each).splitlines()
    assert len(table) == 5 and table[3].startswith("| all but small weights |")
