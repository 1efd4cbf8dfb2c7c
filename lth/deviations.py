"""Ten ways in which the 2020 replication's code departs from the protocol, each a switch of the recipe or another arm.

Source: the code of the report "Testing the Lottery Ticket Hypothesis", github.com/artur-deluca/lth, as it was in 2020.
Where a switch only sets a field that recipes have anyway (preprocessing, rewind, how often is measured), this is all
there is of it; the two functions at the end are what the lottery ticket procedure asks.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from lth.errors import LthError, check_choice
from lth.models import Weights, initialise, skeleton
from lth.recipes import Recipe
from lth.runs import OWN_CHAINS, stream

if TYPE_CHECKING:
    from lth.lottery import Chain
    from lth.training import Moments, Trained

EPOCH = 917  # batches of 60 in 55,000 images, the last one short


@dataclass(frozen=True)
class Deviation:
    """What one deviation sets, where the recipe says it (`recipe`, `pruning`) or the study does (`control`)."""

    name: str
    recipe: tuple[tuple[str, object], ...] = ()
    pruning: tuple[tuple[str, object], ...] = ()
    control: str = "reinit"  # the arm that tickets are compared with


DEVIATIONS = {
    deviation.name: deviation
    for deviation in (
        # Every weight starts from N(0, 0.01²).
        Deviation("small-weights", (("initial_std", 0.01),)),
        # One optimizer serves all levels.
        Deviation("carried-optimizer", (("carry_optimizer", True),)),
        # Biases are pruned as well.
        Deviation("pruned-biases", pruning=(("biases", True),)),
        # The control prunes a chain of its own.
        Deviation("chain-control", control="chain-reinit"),
        # Loss is measured once an epoch.
        Deviation("epoch-measurements", (("eval_every", EPOCH),)),
        # Inputs are standardised.
        Deviation("standard-inputs", (("preprocessing", "standard"),)),
        # Tickets are rewound to the weights after the first step.
        Deviation("late-rewind", (("rewind", 1),)),
        # Ticket and control have different splits.
        Deviation("unpaired-split", (("split_per_arm", True),)),
        # Pruning scores the weights of one step before the last.
        Deviation("lagging-scores", pruning=(("lag", 1),)),
        # An interrupted run resumes without its original weights.
        Deviation("lost-weights", (("resume_level", 2),)),
    )
}

CERTAIN = tuple(name for name in DEVIATIONS if name != "lost-weights")  # the code does these whenever it runs


def deviate(recipe: Recipe, name: str, *deviations: str) -> Recipe:
    """The recipe called `name` that is `recipe` with these deviations."""
    for deviation in deviations:
        check_choice("deviation", deviation, DEVIATIONS)
        one = DEVIATIONS[deviation]
        recipe = replace(recipe, **dict(one.recipe), pruning=replace(recipe.pruning, **dict(one.pruning)))
    return replace(recipe, name=name)


def control(*deviations: str) -> str:
    """The arm with which these deviations compare tickets."""
    controls = {DEVIATIONS[name].control for name in deviations} - {"reinit"}
    return controls.pop() if controls else "reinit"


def check(recipe: Recipe, arms: Collection[str], levels: int) -> None:
    """Raise LthError where a recipe's switches and a study's arms and levels contradict each other."""
    at_once = sorted(arm for arm in arms if arm.startswith("oneshot"))
    own_chains = [arm for arm in OWN_CHAINS if arm in arms]
    if at_once and own_chains:
        raise LthError(
            f"{own_chains[0]} prunes level by level and is no control for {at_once[0]}: compare it with "
            f"oneshot-reinit, or leave one of them out of the arms"
        )
    one_level = at_once + [arm for arm in arms if arm == "random-mask"]
    for switch in ("carry_optimizer", "resume_level"):
        if one_level and getattr(recipe, switch):
            raise LthError(
                f"{switch.replace('_', ' ')} needs levels that follow each other, which {one_level[0]} does not have: "
                f"choose the arms ticket and reinit or chain-reinit"
            )
    resumed = recipe.resume_level
    if not isinstance(resumed, int) or not 0 <= resumed <= levels:
        raise LthError(
            f"resume level must be a whole number between 0 (never) and the {levels} levels, not {resumed}: "
            f"ask for at least as many levels"
        )


def rewound(chain: Chain, level: int, dense: Trained) -> Weights:
    """The weights to which the ticket of a level is rewound: those of iteration k, unless a resumption lost them."""
    if not chain.recipe.resume_level or level < chain.recipe.resume_level:
        return dense.rewound
    fresh = stream(chain.root_seed, chain.trial, "resumption")
    return initialise(skeleton(chain.recipe), fresh, chain.recipe.initial_std)


def carried(recipe: Recipe, level: int, before: Trained) -> Moments | None:
    """The moments with which a level starts: none, or those that the level before it left in the same process."""
    return before.moments if recipe.carry_optimizer and level != recipe.resume_level else None
