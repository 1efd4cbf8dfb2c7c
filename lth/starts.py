"""Where the weights of an arm start: the ticket's own, fresh ones, and what lies between them.

Source of what lies between: Zhou et al., "Deconstructing Lottery Tickets" (arXiv 1905.01067), section 4, which asks
whether a ticket's starting values matter or only their signs.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

import torch

from lth.models import Masks, Weights, initialise, skeleton
from lth.runs import Run


@dataclass(frozen=True)
class Beginning:
    """What an arm's starting weights can be made of (before its mask is applied)."""

    run: Run
    masks: Masks  # of this run
    rewound: Weights  # where tickets of this level begin
    final: Weights  # where the level before ended; at level 0 the same as `rewound`

    def fresh(self, run: Run | None = None) -> Weights:
        """New initial weights, from the stream of this run or of another."""
        recipe = self.run.recipe
        return initialise(skeleton(recipe), (run or self.run).stream("initialisation"), recipe.initial_std)

    def drawn_at(self, level: int) -> Weights:
        """The initial weights that this arm and draw has at another level."""
        return self.fresh(replace(self.run, level=level))

    def with_weights(self, make: Callable[[str], torch.Tensor]) -> Weights:
        """The ticket's start, with other weights in every layer that may be pruned: `make` of its name."""
        return self.rewound | {name: make(name) for name in self.masks}


def ticket_signs(beginning: Beginning) -> Weights:
    """Fresh sizes with the ticket's signs."""
    fresh = beginning.fresh()
    return beginning.with_weights(lambda name: fresh[name].abs() * beginning.rewound[name].sign())


def ticket_sizes(beginning: Beginning) -> Weights:
    """The ticket's sizes with fresh signs."""
    fresh = beginning.fresh()
    return beginning.with_weights(lambda name: beginning.rewound[name].abs() * fresh[name].sign())


def final_signs(beginning: Beginning) -> Weights:
    """Fresh sizes with the signs that training gave the weights at the level before."""
    fresh = beginning.fresh()
    return beginning.with_weights(lambda name: fresh[name].abs() * beginning.final[name].sign())


def reshuffled(beginning: Beginning) -> Weights:
    """The surviving values of each layer in another order."""
    generator = beginning.run.stream("shuffle")
    return beginning.with_weights(
        lambda name: _permuted(beginning.rewound[name], beginning.masks[name], generator)  # survivors among themselves
    )


def reshuffled_signs(beginning: Beginning) -> Weights:
    """The surviving sizes of each layer in another order, while every weight keeps its sign."""
    generator = beginning.run.stream("shuffle")
    return beginning.with_weights(
        lambda name: (
            _permuted(beginning.rewound[name].abs(), beginning.masks[name], generator) * beginning.rewound[name].sign()
        )
    )


def _permuted(values: torch.Tensor, mask: torch.Tensor, generator: torch.Generator) -> torch.Tensor:
    """The values with those inside the mask permuted."""
    permuted, inside = values.clone(), values[mask]
    permuted[mask] = inside[torch.randperm(len(inside), generator=generator)]
    return permuted


def constant(beginning: Beginning) -> Weights:
    """One size in every layer, the standard deviation of its weights, with fresh signs."""
    fresh = beginning.fresh()
    return beginning.with_weights(lambda name: beginning.rewound[name].std() * fresh[name].sign())


def constant_signs(beginning: Beginning) -> Weights:
    """One size in every layer, the standard deviation of its weights, with the ticket's signs."""
    return beginning.with_weights(lambda name: beginning.rewound[name].std() * beginning.rewound[name].sign())


def noisy(beginning: Beginning, dose: float) -> Weights:
    """The ticket's start plus Gaussian noise of `dose` standard deviations of initial weights."""
    fresh = beginning.fresh()  # Gaussian, of the layer's own standard deviation
    return beginning.with_weights(lambda name: beginning.rewound[name] + dose * fresh[name])


STARTS: dict[str, Callable[[Beginning], Weights]] = {
    "rewound": lambda beginning: beginning.rewound,
    "fresh": lambda beginning: beginning.fresh(),
    "final": lambda beginning: beginning.final,
    "one draw": lambda beginning: beginning.drawn_at(level=0),
    "ticket signs": ticket_signs,
    "ticket sizes": ticket_sizes,
    "final signs": final_signs,
    "reshuffled": reshuffled,
    "reshuffled signs": reshuffled_signs,
    "constant": constant,
    "constant signs": constant_signs,
    **{f"noise of {dose:g} sigma": partial(noisy, dose=dose) for dose in (0.5, 1, 2, 3)},
}
