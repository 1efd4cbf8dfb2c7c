"""Ten ways in which the 2020 replication's code departs from the protocol, each a switch of the recipe or another arm.

Source: the code of the report "Testing the Lottery Ticket Hypothesis", github.com/artur-deluca/lth, as it was in 2020.
What a switch changes in the procedure is in lth.lottery and lth.training.
"""

from dataclasses import dataclass, replace

from lth.errors import check_choice
from lth.recipes import Recipe

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
