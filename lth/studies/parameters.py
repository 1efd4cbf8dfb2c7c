"""A study changed by parameters."""

import re
from collections.abc import Callable
from dataclasses import replace

from lth.arms import ARMS
from lth.datasets import loading
from lth.engines import CHOICES
from lth.errors import LthError, check_choice, check_positive
from lth.models import skeleton
from lth.names import name_of
from lth.paths import expanded
from lth.pruning import ladder
from lth.recipes import Recipe
from lth.records.glance import copies
from lth.studies import from_file
from lth.studies.catalogue import STUDIES
from lth.studies.study import Grid, Study


def parse_arms(arms: str) -> dict[str, int]:
    """Draws of each arm from text such as "ticket,reinit:3" (three draws of reinit in every trial)."""
    draws = {}
    for item in _items("arms", arms):
        arm, colon, count = item.partition(":")
        check_choice("arm", arm, ARMS)
        if arm in draws:
            raise LthError(f"the arm {arm!r} is named twice in {arms!r}: write {arm}:3 for three draws of it")
        if colon and not re.fullmatch("[1-9][0-9]{0,2}", count):
            raise LthError(f"the draws of {arm} must be a whole number from 1 to 999, not {count!r}: write {arm}:3")
        draws[arm] = int(count or 1)
    if draws.get("ticket", 1) > 1:
        raise LthError(f"a trial has one ticket, not {draws['ticket']}: ask for more trials instead")
    return draws


def _items(what: str, text: object) -> list[str]:
    """The items of a text such as "ticket, reinit:3"; LthError where it is no text."""
    if not isinstance(text, str):
        raise LthError(f"{what} must be a text such as 'one,another', not {text!r}")
    return [item.strip() for item in text.split(",")]


def study(
    name: str,
    trials: int | None = None,
    levels: int | None = None,
    iterations: int | None = None,
    arms: str | None = None,
    rewind: int | None = None,
    engine: str | None = None,
    warmup: int | None = None,
    recipes: str | None = None,
) -> Study:
    """The study of that name, or that a TOML file declares (see lth.studies.from_file), changed where an argument is.

    `arms` is text such as "ticket,reinit:3"; `levels` counts pruning rounds, so levels 0 to `levels` are trained;
    `trials` sets the size of the largest grid and limits the others; `iterations` moves the drops of the learning
    rate, the warmup and the rewind iteration in proportion, unless these are given; `recipes` is a choice of the
    study's, such as "resnet18,resnet18-rewind". Raises LthError for unknown names and bad values.

    It is on the images that its published records are on, or else on those in the data folder: a copy is part of a
    run's key (Recipe.copy), so that results on it never mix with those on the original.
    """
    chosen = _declared(name)
    for what, value, most in (("trials", trials, 1000), ("levels", levels, 1000), ("iterations", iterations, 10**8)):
        if value is not None:
            check_positive(what, value, most)
    if engine is not None:
        check_choice("engine", engine, CHOICES)
    if arms is not None:
        chosen = replace(chosen, grids=(Grid(parse_arms(arms), chosen.trials),))
    if trials is not None:
        grids = [
            replace(g, trials=trials if g.trials == chosen.trials else min(g.trials, trials)) for g in chosen.grids
        ]
        chosen = replace(chosen, grids=tuple(grids))
    wanted = chosen.recipes if recipes is None else _named(recipes, chosen.recipes)
    if iterations is not None:
        wanted = [_with_source(recipe, lambda one: shorten(one, iterations)) for recipe in wanted]
    if rewind is not None:
        wanted = [_with_source(recipe, lambda one: replace(one, rewind=rewind)) for recipe in wanted]
    if warmup is not None:
        wanted = [_with_source(recipe, lambda one: with_warmup(one, warmup)) for recipe in wanted]
    published = copies(chosen.name)
    placed = tuple(_placed(recipe, published) for recipe in wanted)
    chosen = replace(chosen, recipes=placed, levels=levels or chosen.levels, engine=engine or chosen.engine)
    if levels is not None:
        for recipe in chosen.recipes:
            ladder(skeleton(recipe), recipe.pruning, chosen.levels)
    return chosen


def _with_source(recipe: Recipe, change: Callable[[Recipe], Recipe]) -> Recipe:
    """The recipe, and where it takes masks from another that one too, changed."""
    source = recipe.masks_from
    return change(replace(recipe, masks_from=change(source)) if source else recipe)


def _placed(recipe: Recipe, published: dict[str, str]) -> Recipe:
    """The recipe on the images that published records are on, or else on those in the data folder."""
    if recipe.masks_from:
        recipe = replace(recipe, masks_from=_placed(recipe.masks_from, published))
    data_set = name_of(recipe.dataset)
    return replace(recipe, copy=published[data_set]) if data_set in published else loading.as_found(recipe)


def _declared(name: str) -> Study:
    """The study of that name, or that a TOML file declares."""
    if isinstance(name, str) and name.endswith(".toml"):
        own = from_file.read(expanded(name, "the file of the study"), parse_arms)
        if own.name in STUDIES:
            raise LthError(f"{name}: there is a study {own.name!r} already: give yours another name")
        return own
    if not isinstance(name, str):
        raise LthError(f"a study is named by text, not {name!r}: choose one of {', '.join(STUDIES)}")
    check_choice("study", name, STUDIES)
    return STUDIES[name]


def _named(names: str, recipes: tuple[Recipe, ...]) -> list[Recipe]:
    """The recipes of these names, in the study's order."""
    wanted = _items("recipes", names)
    for name in wanted:
        check_choice("recipe", name, [recipe.name for recipe in recipes])
    return [recipe for recipe in recipes if recipe.name in wanted]


def shorten(recipe: Recipe, iterations: int) -> Recipe:
    """The recipe with another number of iterations; its drops, warmup and rewind iteration move in proportion.

    So a short run goes through the same phases. What is above 0 stays above 0.
    """

    def scaled(iteration: int) -> int:
        return max(1, round(iteration * iterations / recipe.iterations)) if iteration else 0

    o = recipe.optimizer
    milestones = tuple(sorted({m for m in map(scaled, o.milestones) if m < iterations}))
    warmup = min(scaled(o.warmup), *milestones, iterations)
    optimizer = replace(o, milestones=milestones, warmup=warmup)
    return replace(recipe, iterations=iterations, rewind=scaled(recipe.rewind), optimizer=optimizer)


def with_warmup(recipe: Recipe, warmup: int) -> Recipe:
    """The recipe with another warmup; LthError where it is not a number of its iterations."""
    if isinstance(warmup, bool) or not isinstance(warmup, int):
        raise LthError(f"warmup must be a whole number of iterations, not {warmup!r}")
    return replace(recipe, optimizer=replace(recipe.optimizer, warmup=warmup))
