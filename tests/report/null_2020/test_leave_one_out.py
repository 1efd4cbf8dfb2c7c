import pytest
from effects_made import ALONE, LEFT, left_out, made, rows, suspects, together, verdicts

from lth.report.null_2020 import leave_one_out
from lth.report.null_2020.rule import RULING
from lth.statistics import bootstrap
from lth.studies.deviations import CERTAIN, DEVIATIONS


@pytest.fixture(autouse=True)
def few_resamples(monkeypatch):
    monkeypatch.setattr(bootstrap, "RESAMPLES", 499)


def test_without_the_necessary_deviation_the_advantage_is_back():
    together, rows = leave_one_out.reconstruction(left_out(small_weights=0.9, chain_control=0.8), suspects())
    assert together["verdict"].tolist() == ["reproduced", "reproduced"]
    found = verdicts(rows)
    assert [name for name in CERTAIN if found[name] == "necessary"] == ["small-weights", "chain-control"]
    assert set(found.values()) == {"necessary", "not necessary"}


@pytest.mark.parametrize(("share", "null"), [(0.0, "reproduced"), (0.8, "not reproduced"), (-0.9, "reversed")])
def test_the_null_is_judged_by_what_all_together_leave(share, null):
    together, rows = leave_one_out.reconstruction(left_out(together=share, lost=0.0), suspects())
    assert together["verdict"].tolist() == [null, "reproduced"]
    if null == "not reproduced":
        assert set(rows["verdict"]) == {"not asked"}


def test_what_leaving_one_out_brings_back_is_the_difference_to_all_together():
    shares = {"all": {"chain-reinit": 0.2, "reinit": 0.2}, "all-but-small-weights": {"chain-reinit": 0.7}}
    runs, protocol = made(shares), made({"protocol": {"reinit": 1.0}})
    rows = leave_one_out.brought_back(runs, protocol).set_index("deviation")
    assert set(rows.index) == {"small-weights", "chain-control"}  # of the others there are no runs
    for measure in RULING:
        assert rows.loc["small-weights", measure] == pytest.approx(0.5, abs=0.05)
        assert rows.loc["small-weights", f"{measure} low"] > 0
        assert rows.loc["chain-control", measure] == pytest.approx(0, abs=0.05)
    sentence = leave_one_out.back_sentence(rows.reset_index())
    assert "in speed, small weights" in sentence and "in accuracy, small weights" in sentence
    table = leave_one_out.back_table(rows.reset_index()).splitlines()
    assert table[2].startswith("| small weights | +") and len(table) == 4
    few = leave_one_out.brought_back(runs[runs["trial"] < 2], protocol)
    assert leave_one_out.back_sentence(few).endswith("in speed, none; in accuracy, none.")


def cause(null, alone=None, left=None):
    whole = together(null).copy()
    if null == "not reproduced":
        whole[["speed share low", "speed share high"]] = 0.4, 0.6
    return leave_one_out.cause_sentences(whole, rows(ALONE | (alone or {})), rows(LEFT | (left or {})), 12_000)


def test_the_cause_names_what_is_sufficient_and_what_is_necessary():
    said = cause("reproduced", {"small-weights": "sufficient"}, {"late-rewind": "necessary"})
    assert said.startswith(
        "At 12,000 iterations and against a chain with fresh weights, what the code does on every run explains the "
        "null."
    )
    assert "Small weights would do it alone." in said
    assert "Late rewind is necessary" in said


def test_the_cause_follows_the_null():
    assert cause("not reproduced") == (
        "What the code does on every run does not explain what the report saw, as far as shorter runs can tell: at "
        "12,000 iterations and against a chain with fresh weights, more than a third of the advantage in speed is left."
    )
    assert "tickets fall behind their control" in cause("reversed") and "explains" not in cause("reversed")
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
    ("share", "words"),
    [
        (0.0, "All nine together erase the advantage in speed and accuracy"),
        (0.8, "All nine together do not erase the advantage (they leave "),
        (0.8, "so that no deviation can be necessary for it."),
    ],
)
def test_what_can_be_necessary_is_said(share, words):
    whole, _ = leave_one_out.reconstruction(left_out(together=share, lost=0.0), suspects())
    assert words in leave_one_out.necessity_sentence(whole.iloc[0])
    few, _ = leave_one_out.reconstruction(left_out(together=share, lost=0.0), suspects(trials=2))
    said = leave_one_out.necessity_sentence(few.iloc[0])
    assert said.startswith("That all nine together erase the advantage is not established (they leave ")


def test_nothing_is_shown_to_be_necessary_where_one_advantage_may_be_gone():
    whole = together("not reproduced").copy()
    whole[["speed share low", "speed share high", "accuracy share high"]] = 0.4, 0.6, 0.5
    said = leave_one_out.necessity_sentence(whole)
    assert "do not erase" in said and said.endswith("so that nothing can be shown to be necessary for it.")


def test_the_final_table_holds_every_deviation_and_says_what_is_not_among_all():
    final = leave_one_out.final_table(rows(ALONE), rows(LEFT, "all-but-{}")).splitlines()
    assert len(final) == 2 + len(DEVIATIONS)
    assert [line for line in final if "not among them" in line][0].startswith("| lost weights |")
