"""What makes a ticket? Its start, the criterion, its masks, the network and the data, one question a study.

All of them are LeNet's coarse protocol of `lth.studies.null_2020` (12,000 iterations, levels of 100, 51, 26, 14, 7 and
3.6 % of the weights) on a root seed that no other study uses, and share its runs where they ask for the same. Twenty
trials are planned where most is claimed; the others have fewer. data/registered.md says which claims they judge.
"""

from dataclasses import replace
from typing import Any

from lth.recipes import Optimizer, Pruning, Recipe
from lth.studies.lenet import PAIR
from lth.studies.null_2020 import COARSE, every_combination
from lth.studies.study import Grid, Study

ROOT_SEED = 4
BASE = replace(COARSE, drift_at=())
MANY, SOME, FEW = 20, 10, 5  # trials
RATE = BASE.pruning.linear  # of three levels of the paper's at once

TRAINED = ("initial-magnitude", "magnitude-increase", "movement", "initial-times-final", "random")
BEFORE_TRAINING = ("snip", "grasp", "synflow")
CORRUPTED = ("shuffled-pixels", "random-labels", "tenth")
DOSES = ("noise-0.5", "noise-1", "noise-2", "noise-3")
STARTS = ("ticket-signs", "ticket-sizes", "final-signs", "reshuffled", "reshuffled-signs", "constant", "constant-signs")


def _pruned(name: str, **changes: Any) -> Recipe:
    """The protocol with another rule of pruning."""
    return replace(BASE, name=name, pruning=replace(BASE.pruning, **changes))


def _everywhere(criterion: str) -> Recipe:
    """The protocol with a criterion over all layers at once, of which global pruning needs one rate."""
    return replace(BASE, name=f"{criterion}-global", pruning=Pruning("global", criterion, linear=RATE, output=RATE))


def _on(model: str) -> Recipe:
    """The protocol with another fully connected network."""
    return replace(BASE, name=model, model=model)


def _at(rate: float) -> Recipe:
    """The protocol with another learning rate."""
    return replace(BASE, name=f"rate-{rate:g}", optimizer=replace(BASE.optimizer, learning_rate=rate))


def _names(*recipes: Recipe) -> tuple[str, ...]:
    return tuple(recipe.name for recipe in recipes)


def _sharing(*recipes: Recipe) -> tuple[tuple[str, str], ...]:
    """That these recipes start from the protocol's dense network."""
    return tuple((recipe.name, BASE.name) for recipe in recipes)


FASHION = replace(BASE, name="fashion", dataset="fashion-mnist")
CRITERIA = tuple(_pruned(name, criterion=name) for name in (*TRAINED, *BEFORE_TRAINING))
SNIP = next(recipe for recipe in CRITERIA if recipe.name == "snip")
GLOBAL = tuple(map(_everywhere, ("magnitude", *BEFORE_TRAINING)))
INVERTED = (_pruned("magnitude-inverted", inverted=True), _pruned("snip-inverted", criterion="snip", inverted=True))
FROZEN = _pruned("frozen", frozen=True)
FOUND_ON = tuple(
    replace(BASE, name=f"found-on-{corruption}", masks_from=replace(BASE, name=corruption, corruption=corruption))
    for corruption in CORRUPTED
)
SNIP_ON = tuple(  # what SNIP finds on data that tell it nothing
    replace(SNIP, name=f"snip-on-{corruption}", masks_from=replace(SNIP, name=corruption, corruption=corruption))
    for corruption in CORRUPTED[:2]
)
NETWORKS = tuple(map(_on, ("fc-100-50", "fc-300", "fc-300-100-100-50", "fc-600-200", "fc-1200-400")))
RATES = tuple(map(_at, (2e-4, 5e-4, 3e-3, 6e-3)))
SGD = replace(BASE, name="sgd", optimizer=Optimizer("sgd", learning_rate=0.05, momentum=0.9))


def _study(name: str, recipes: tuple[Recipe, ...], *grids: Grid, dense: tuple[tuple[str, str], ...] = ()) -> Study:
    """A study of these recipes and the protocol, on the seed of this chapter, without dense networks of controls."""
    return Study(name, (BASE, *recipes), grids, levels=5, root_seed=ROOT_SEED, controls_from=1, dense=dense)


STUDIES = (
    # What of a ticket's start matters. Random masks are the ticket's, shuffled within the layer.
    _study("ticket-starts", (), Grid(PAIR | dict.fromkeys((*STARTS, *DOSES, "random-mask", "finetuned"), 1), MANY)),
    # Several retrained tickets and several draws of fresh weights in one mask: do they learn one solution?
    _study("ticket-relearning", (), Grid({"ticket": 1, "reinit": 3, "retrained": 3}, SOME)),
    # Criteria, each with its own control; within layers, and over all of them.
    _study(
        "ticket-criteria",
        (*CRITERIA, *GLOBAL),
        Grid(PAIR, MANY, _names(BASE, *CRITERIA)),
        Grid(PAIR, FEW, _names(*GLOBAL)),
        Grid({"random-mask": 1}, SOME, BEFORE_TRAINING),
        dense=_sharing(*CRITERIA, *GLOBAL),
    ),
    # Sanity checks of masks: of the inverted score, and found on what tells less or nothing.
    _study(
        "ticket-masks",
        (SNIP, *INVERTED, *FOUND_ON, *SNIP_ON),
        Grid(PAIR, SOME, _names(BASE, SNIP)),
        Grid({"ticket": 1}, SOME, _names(*INVERTED)),
        Grid(PAIR, FEW, _names(*FOUND_ON)),
        Grid({"ticket": 1}, FEW, _names(*SNIP_ON)),
        dense=_sharing(SNIP, *INVERTED, *FOUND_ON, *SNIP_ON),
    ),
    # Pruned weights that stay at their start: their levels cost what the dense network costs.
    _study("ticket-frozen", (FROZEN,), Grid(PAIR, FEW), dense=_sharing(FROZEN)),
    # Widths and depths.
    _study(
        "ticket-networks",
        NETWORKS,
        Grid(PAIR, SOME, _names(BASE)),
        Grid(PAIR, FEW, _names(*NETWORKS)),
    ),
    # Another data set by the same recipe, and tickets carried from one to the other.
    _study(
        "ticket-data",
        (
            FASHION,
            replace(FASHION, name="mnist-to-fashion", masks_from=BASE),
            replace(BASE, name="fashion-to-mnist", masks_from=FASHION),
        ),
        Grid(PAIR | {"random-mask": 1}, FEW),
        dense=(("mnist-to-fashion", FASHION.name), ("fashion-to-mnist", BASE.name)),
    ),
    # Learning rates over a factor of thirty, and another optimizer, which no sparse engine has.
    _study("ticket-rates", (*RATES, SGD), Grid(PAIR, FEW)),
    # The cells of the 2020 settings: networks of the null, whose stability `lth stability` measures.
    _study(
        "ticket-settings",
        tuple(replace(recipe, drift_at=()) for recipe in every_combination(COARSE) if recipe.name != BASE.name),
        Grid(PAIR, 3),
    ),
)
