"""The lottery ticket procedure: iterative magnitude pruning with rewinding, and the controls beside it.

Sources: Frankle & Carbin (arXiv 1803.03635), section 1; Frankle et al. (arXiv 1903.01611), section 3, for rewinding.
"""

from collections.abc import Callable, Collection, Generator, Iterator
from dataclasses import dataclass

from lth import pruning
from lth.arms import ARMS, FROM_DENSE, OWN_CHAINS
from lth.errors import LthError
from lth.models import Masks, Weights, initialise, prunable, skeleton
from lth.recipes import Recipe
from lth.runs import Run, stream
from lth.training import Moments, Start, Trained


@dataclass(frozen=True)
class Job:
    """A run that is ready to train: its weights (0 where masked), its masks and, but for a deviation, no moments."""

    run: Run
    weights: Weights
    masks: Masks
    moments: Moments | None = None

    def start(self) -> Start:
        """Where training begins: a fresh optimizer and the run's own random streams."""
        streams = self.run.stream("order"), self.run.stream("augmentation")
        return Start(self.weights, self.masks, *streams, self.moments)


@dataclass(frozen=True)
class Chain:
    """What one trial's chain of levels is to contain: `draws` says how often each arm is drawn."""

    recipe: Recipe
    trial: int
    levels: int
    draws: dict[str, int]
    root_seed: int = 0
    engine: str = "auto"

    def run(self, arm: str, level: int, draw: int = 0) -> Run:
        """The run of this chain at `level`."""
        return Run(self.recipe, arm, self.trial, draw, level, self.root_seed, self.engine)

    def runs(self) -> list[Run]:
        """Every run the chain asks for, level by level."""
        return [
            self.run(arm, level, draw)
            for level in range(self.levels + 1)
            for arm in ARMS
            if level or arm in FROM_DENSE
            for draw in range(self.draws.get(arm, 0))
        ]


Procedure = Generator[list[Job], Trained, None]


def find_tickets(chain: Chain) -> Procedure:
    """One trial of the lottery ticket procedure.

    Yields the jobs of one level at a time, the ticket's first, and is sent what the ticket's training left.
    """
    net, recipe = skeleton(chain.recipe), chain.recipe
    kinds, rungs = prunable(net, recipe.pruning.biases), pruning.ladder(net, recipe.pruning, chain.levels)

    # 1. Randomly initialise a neural network f(x; θ₀).
    original = initialise(net, stream(chain.root_seed, chain.trial, "initialisation"), recipe.initial_std)
    masks = dense_masks = pruning.full_masks(net, recipe.pruning.biases)

    # 2. Train it for j iterations, arriving at θⱼ; keep θₖ, the weights after the rewind iteration k.
    trained = dense = yield [Job(chain.run("ticket", 0), original, masks), *_reinit(chain, "reinit", 0, masks)]

    for level in range(1, chain.levels + 1):
        # 3. Prune the lowest-magnitude weights that are left, which gives a mask m.
        masks = pruning.prune(trained.weights, masks, kinds, recipe.pruning)

        # 4. Rewind the survivors: m ⊙ θₖ is the winning ticket. Train it, and repeat from step 3.
        rewound, moments = rewound_weights(chain, level, dense), carried_moments(recipe, level, trained)
        ticket = Job(chain.run("ticket", level), pruning.apply(masks, rewound), masks, moments)
        controls = _reinit(chain, "reinit", level, masks, moments) + _random_masks(chain, level, masks, rewound)
        if chain.draws.get("oneshot") or chain.draws.get("oneshot-reinit"):
            at_once = pruning.prune_to(rungs[level], dense.weights, dense_masks, recipe.pruning)
            controls += _oneshot(chain, level, at_once, dense.rewound)
        trained = yield [ticket, *controls]


def find_own_chain(chain: Chain, arm: str, draw: int) -> Procedure:
    """A control of the 2020 report: a chain of its own that is pruned like a ticket from other initial weights.

    "chain-reinit" draws them afresh at every level, as its code did from 8 September on; "other-ticket" goes back to
    one draw at every level, level 0 included, as it did before: a winning ticket of another draw, exact to iteration 0.
    ("chain-rewound", with one draw from level 1 on only, was no version of that code; its records are kept.)
    """
    net, recipe = skeleton(chain.recipe), chain.recipe
    kinds, masks, moments = prunable(net, recipe.pruning.biases), pruning.full_masks(net, recipe.pruning.biases), None
    for level in range(chain.levels + 1):
        run = chain.run(arm, level, draw)
        drawn = chain.run(arm, {"chain-rewound": min(level, 1), "other-ticket": 0}.get(arm, level), draw)
        trained = yield [Job(run, _fresh(drawn, masks), masks, moments)]
        if level < chain.levels:
            masks = pruning.prune(trained.weights, masks, kinds, recipe.pruning)
            moments = carried_moments(recipe, level + 1, trained)


def procedures(chain: Chain) -> list[tuple[list[Run], Procedure]]:
    """The procedures that together train every run of `chain`, each with the runs it is asked for."""
    own_chains = [
        ([run for run in chain.runs() if run.arm == arm and run.draw == draw], find_own_chain(chain, arm, draw))
        for arm in OWN_CHAINS
        for draw in range(chain.draws.get(arm, 0))
    ]
    from_ticket = [run for run in chain.runs() if run.arm not in OWN_CHAINS]
    return [(from_ticket, find_tickets(chain)), *own_chains]


def walk(procedure: Procedure, train: Callable[[Job], Trained]) -> Iterator[tuple[Job, Trained]]:
    """Train every job of a procedure in order, in this process."""
    jobs = next(procedure)
    while True:
        results = [train(job) for job in jobs]
        yield from zip(jobs, results, strict=True)
        try:
            jobs = procedure.send(results[0])
        except StopIteration:
            return


def _fresh(run: Run, masks: Masks) -> Weights:
    """New initial weights behind these masks."""
    weights = initialise(skeleton(run.recipe), run.stream("initialisation"), run.recipe.initial_std)
    return pruning.apply(masks, weights)


def _reinit(chain: Chain, arm: str, level: int, masks: Masks, moments: Moments | None = None) -> list[Job]:
    """The same masks with fresh weights, once for every draw."""
    runs = [chain.run(arm, level, draw) for draw in range(chain.draws.get(arm, 0))]
    return [Job(run, _fresh(run, masks), masks, moments) for run in runs]


def _random_masks(chain: Chain, level: int, masks: Masks, rewound: Weights) -> list[Job]:
    """Random masks with the same count in every layer, on the original weights."""
    runs = [chain.run("random-mask", level, draw) for draw in range(chain.draws.get("random-mask", 0))]
    drawn = [pruning.random_masks(masks, run.stream("mask")) for run in runs]
    return [Job(run, pruning.apply(m, rewound), m) for run, m in zip(runs, drawn, strict=True)]


def _oneshot(chain: Chain, level: int, masks: Masks, rewound: Weights) -> list[Job]:
    """The dense net pruned once to this level's counts: rewound, and with fresh weights."""
    rewound_runs = [chain.run("oneshot", level, draw) for draw in range(chain.draws.get("oneshot", 0))]
    tickets = [Job(run, pruning.apply(masks, rewound), masks) for run in rewound_runs]
    return tickets + _reinit(chain, "oneshot-reinit", level, masks)


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


def rewound_weights(chain: Chain, level: int, dense: Trained) -> Weights:
    """The weights to which the ticket of a level is rewound: those of iteration k, unless a resumption lost them."""
    if not chain.recipe.resume_level or level < chain.recipe.resume_level:
        return dense.rewound
    fresh = stream(chain.root_seed, chain.trial, "resumption")
    return initialise(skeleton(chain.recipe), fresh, chain.recipe.initial_std)


def carried_moments(recipe: Recipe, level: int, before: Trained) -> Moments | None:
    """The moments with which a level starts: none, or those that the level before it left in the same process."""
    return before.moments if recipe.carry_optimizer and level != recipe.resume_level else None
