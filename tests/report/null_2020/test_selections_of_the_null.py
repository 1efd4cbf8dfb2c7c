import pandas as pd
import pytest
from effects_made import made

from lth.errors import LthError
from lth.records import Records
from lth.report.null_2020 import advantage, figures_of_2020, selections
from lth.report.null_2020.configurations import Configuration
from lth.studies.catalogue import STUDIES
from lth.studies.parameters import study


def test_the_null_is_compared_with_the_protocol_at_its_own_length():
    asked = study("null-2020", trials=1, iterations=50)
    recipe, reference = selections.null_study(asked, 1, None, 50)
    assert (recipe, reference.name) == ("lenet-2020", "lenet")
    assert {recipe.iterations for recipe in reference.recipes} == {50} and reference.trials == 1
    assert selections.null_study(STUDIES["together"], None, None, None) == ("all", STUDIES["together"])


def test_levels_nearest_to_the_reports_densities_on_either_ladder():
    coarse = made({"all": {"chain-reinit": 0.0}}, trials=1)
    assert selections.nearest_levels(coarse) == [0, 1, 2, 5]
    full = pd.DataFrame({"arm": "ticket", "level": range(26), "density": [0.8**level for level in range(26)]})
    assert selections.nearest_levels(full) == [0, 3, 7, 15]
    assert selections.nearest_levels(coarse[coarse["level"] < 2]) == [0, 1]


def test_the_reports_first_figure_shows_its_control_at_two_densities():
    runs = made({"all": {"chain-reinit": 0.0}}, trials=1)
    curves = runs[["study", "recipe", "arm", "trial", "draw", "level"]].assign(iteration=0)
    shown = figures_of_2020.as_in_2020(Records("made", curves, runs), 1, control="chain-reinit")
    assert set(shown.runs.loc[shown.runs["arm"] == "chain-reinit", "level"]) == {1, 2, 3}
    assert len(shown.curves) == len(shown.runs) == 9
    with pytest.raises(LthError, match="no reinit of the recipe 'all'"):
        selections.of_recipe(shown, "all", ["reinit"])


def test_the_note_says_how_many_trials_are_there_of_those_planned():
    note = selections.trials_of(pd.DataFrame({"n": [2, 3]}), STUDIES["suspects"])
    assert note == "n = 2–3 of 5 trials"
    assert selections.trials_of(pd.DataFrame({"n": [5, 5]}), STUDIES["suspects"]) == "n = 5 trials"


def test_level_by_level_each_side_has_its_speed_and_accuracy():
    sides = {
        "protocol": (made({"protocol": {"reinit": 0.5}}, trials=3), Configuration("protocol")),
        "culprit": (made({"small-weights": {"reinit": 0.0}}, trials=1), Configuration("small-weights")),
    }
    head, _, first, *others = selections.by_level(sides).splitlines()
    assert head.count(" | ") == 4 and "culprit: times as fast" in head
    assert len(others) == len(advantage.judged_levels(sides["protocol"][0])) - 1
    assert [cell.count("[") for cell in first.strip("|").split("|")] == [0, 1, 1, 0, 0]


def test_runs_that_studies_share_are_pooled_once():
    frames = [pd.DataFrame({"key": list(keys), "study": name}) for keys, name in (("ab", "one"), ("bc", "two"))]
    pooled = selections.pooled(*(Records("made", None, frame) for frame in frames))
    assert pooled["key"].tolist() == ["a", "b", "c"] and pooled["study"].tolist() == ["one", "one", "two"]
