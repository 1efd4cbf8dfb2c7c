"""Ten ways in which the 2020 replication's code departs from the protocol, each a switch of the recipe or another arm.

Source: the code of the report "Testing the Lottery Ticket Hypothesis", github.com/artur-deluca/lth, as it was in 2020.
What a switch changes between levels is in the rules below; what it changes within a run, in lth.training. PARTS are no
deviations of that code: they take one of them apart.
"""

from dataclasses import dataclass, replace
from typing import Any

import torch

from lth.arms import ARMS
from lth.errors import LthError, check_choice
from lth.lottery import PAPER, Chain, Left, Rules
from lth.models import Masks, Weights, initialise, skeleton
from lth.recipes import Recipe
from lth.runs import stream
from lth.training import Moments

EPOCH = 917  # batches of 60 in 55,000 images, the last one short


@dataclass(frozen=True)
class Deviation:
    """What one deviation sets, where the recipe says it (`recipe`, `pruning`) or the study does (`control`)."""

    name: str
    recipe: tuple[tuple[str, Any], ...] = ()
    pruning: tuple[tuple[str, Any], ...] = ()
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
# The carried optimizer taken apart, to tell what of it does what it does. The 2020 code did none of these.
PARTS = {
    deviation.name: deviation
    for deviation in (
        # Adam's moments go on and its step count begins anew, so that the old moments pass for those of a first step.
        Deviation("carried-moments", (("carry_optimizer", "moments"),)),
        # The step count goes on and the moments begin at 0, so that they are not corrected for having begun there.
        Deviation("carried-steps", (("carry_optimizer", "steps"),)),
        # Both go on, but within each layer the moments change places: their sizes stay, what each weight had is lost.
        Deviation("shuffled-moments", (("carry_optimizer", "shuffled"),)),
    )
}
_KNOWN = DEVIATIONS | PARTS


def deviate(recipe: Recipe, name: str, *deviations: str) -> Recipe:
    """The recipe called `name` that is `recipe` with these deviations."""
    for deviation in deviations:
        check_choice("deviation", deviation, _KNOWN)
        sets = _KNOWN[deviation]
        recipe = replace(recipe, **dict(sets.recipe), pruning=replace(recipe.pruning, **dict(sets.pruning)))
    return replace(recipe, name=name)


def control(*deviations: str) -> str:
    """The arm with which these deviations compare tickets."""
    controls = {_KNOWN[name].control for name in deviations} - {"reinit"}
    return controls.pop() if controls else "reinit"


def rules(recipe: Recipe) -> Rules:
    """What the recipe's switches change between the levels of a chain; the paper's rules where it has none."""
    if not (recipe.carry_optimizer or recipe.resume_level):
        return PAPER
    return Rules(_rewind, _carry, _check)


def _rewind(chain: Chain, level: int, dense: Left) -> Weights:
    """The weights to which a level goes back: those of iteration k, unless a resumption lost them."""
    if not chain.recipe.resume_level or level < chain.recipe.resume_level:
        return dense.rewound
    fresh = stream(chain.root_seed, chain.trial, "resumption")
    return initialise(skeleton(chain.recipe), fresh, chain.recipe.initial_std)


def _carry(chain: Chain, level: int, before: Left, masks: Masks) -> Moments | None:
    """The optimizer with which a level starts: what the level before it left in the same process, or a part of that."""
    carried = chain.recipe.carry_optimizer
    if before.moments is None or not carried or level == chain.recipe.resume_level:
        return None
    if carried == "moments":
        return replace(before.moments, steps=0)
    if carried == "steps":
        zeros = {name: torch.zeros_like(values) for name, values in before.moments.first.items()}
        return Moments(zeros, zeros, before.moments.steps)
    if carried == "shuffled":
        return _shuffled(before.moments, masks, stream(chain.root_seed, chain.trial, "shuffle", level=level))
    return before.moments


def _shuffled(moments: Moments, masks: Masks, generator: torch.Generator) -> Moments:
    """The moments with both values of each survivor of a layer given to another survivor of that layer."""
    first, second = (
        {name: values.clone() for name, values in part.items()} for part in (moments.first, moments.second)
    )
    for name, values in moments.first.items():
        places = masks.get(name, torch.ones(values.shape, dtype=torch.bool)).flatten().nonzero().flatten()
        others = places[torch.randperm(len(places), generator=generator)]
        for new, old in ((first[name], values), (second[name], moments.second[name])):
            new.view(-1)[places] = old.flatten()[others]
    return Moments(first, second, moments.steps)


def _check(chain: Chain) -> None:
    """LthError where switches and arms or levels contradict each other."""
    resumed = chain.recipe.resume_level
    if resumed > chain.levels:
        raise LthError(
            f"resume level must be at most the {chain.levels} levels, not {resumed}: ask for at least as many levels"
        )
    unfit = [name for name, count in dict(chain.draws).items() if count and ARMS[name].mask in ("random", "oneshot")]
    if unfit:
        switch = "carry optimizer" if chain.recipe.carry_optimizer else "resume level"
        raise LthError(
            f"{switch} needs levels that follow each other, which {unfit[0]} does not have: choose the arms ticket and "
            f"reinit or chain-reinit"
        )
