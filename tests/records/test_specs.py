"""Recipes from specifications, as records have them."""

import json

import pytest
from tiny_study import TINY

from lth.records import specs
from lth.runs import Run
from lth.studies.catalogue import STUDIES


@pytest.mark.parametrize("study", STUDIES.values(), ids=lambda study: study.name)
def test_every_recipe_of_a_study_comes_back_from_its_specification(study):
    for recipe in study.recipes:
        assert specs.recipe_of(json.loads(Run(recipe, "ticket", 0).spec)) == recipe


def test_a_recipe_with_masks_of_what_is_not_the_librarys_is_unknown():
    own = TINY.but(name="own", sources=(("network", "abc"),))
    assert specs.recipe_of(json.loads(Run(TINY.but(masks_from=own), "ticket", 0).spec)) is None
