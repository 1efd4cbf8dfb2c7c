"""The lottery ticket procedure: iterative magnitude pruning with rewinding, and the controls beside it.

Sources: Frankle & Carbin (arXiv 1803.03635), section 1; Frankle et al. (arXiv 1903.01611), section 3, for rewinding.

    1. Randomly initialise a neural network f(x; θ₀).
    2. Train it for j iterations, arriving at θⱼ; keep θₖ, the weights after the rewind iteration k.
    3. Prune the lowest-magnitude weights that are left, which gives a mask m.
    4. Rewind the survivors: m ⊙ θₖ is the winning ticket. Train it, and repeat from step 3.

`next_level` is steps 3 and 4 for one level and all arms; `walk` is the loop.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol, TypeVar

from lth import pruning
from lth.arms import ARMS
from lth.criteria import Gradients, no_gradients, rounds_at_start
from lth.errors import LthError, check_choice
from lth.models import Masks, Weights, initialise, misfit, prunable, skeleton
from lth.recipes import Recipe
from lth.runs import Run, stream
from lth.starts import STARTS, Beginning
from lth.training import Moments, Start

Draws = Mapping[str, int] | tuple[tuple[str, int], ...]  # how often each arm is drawn; kept as pairs


class Result(Protocol):
    """What the loop over levels needs of a trained run: lth.training.Trained, and what is kept of it."""

    @property
    def weights(self) -> Weights:
        """Where training ended."""

    @property
    def rewound(self) -> Weights:
        """The weights of iteration k."""

    @property
    def moments(self) -> Moments | None:
        """Adam's state at the end."""


Trained = TypeVar("Trained", bound=Result)


@dataclass(frozen=True)
class Job:
    """A run that is ready to train: its weights (0 where masked), its masks, and Adam's state where it is carried."""

    run: Run
    weights: Weights
    masks: Masks
    moments: Moments | None = None

    def start(self) -> Start:
        """Where training begins, with the run's own random streams."""
        streams = self.run.stream("order"), self.run.stream("augmentation")
        return Start(self.weights, self.masks, *streams, self.moments)


@dataclass(frozen=True)
class Left:
    """What a run leaves to the next level: its last weights, those of iteration k, its masks, Adam's state."""

    weights: Weights = field(repr=False)
    rewound: Weights = field(repr=False)
    masks: Masks = field(repr=False)
    moments: Moments | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Rules:
    """What the paper leaves no choice about. The 2020 code did otherwise: see lth.studies.deviations."""

    # The weights to which the survivors of a level go back: those of iteration k of the dense run.
    rewind: Callable[["Chain", int, Left], Weights] = lambda chain, level, dense: dense.rewound
    # The optimizer's state with which a level starts, given what the level before left and the level's masks: none.
    carry: Callable[["Chain", int, Left, Masks], Moments | None] = lambda chain, level, before, masks: None
    # LthError where these rules and a chain's arms and levels contradict each other.
    check: Callable[["Chain"], None] = lambda chain: None


PAPER = Rules()
TICKET = ("ticket", 0)  # the head of a chain that all but own chains follow


@dataclass(frozen=True)
class Chain:
    """One trial: levels 0 to `levels`, and how often each arm is drawn at each of them."""

    recipe: Recipe
    trial: int
    levels: int
    draws: Draws
    root_seed: int = 0
    engine: str = "auto"
    rules: Rules = PAPER
    controls_from: int = 0  # the level from which controls of the ticket are trained
    dense: Recipe | None = None  # another recipe, whose dense network serves as this chain's level 0

    def __post_init__(self) -> None:
        if isinstance(self.draws, Mapping):
            object.__setattr__(self, "draws", tuple(self.draws.items()))

    def run(self, arm: str, level: int, draw: int = 0) -> Run:
        """The run of this chain at `level`."""
        return Run(self.recipe, arm, self.trial, draw, level, self.root_seed, self.engine)

    def head_run(self, head: tuple[str, int], level: int) -> Run:
        """The head's run at `level`: of another recipe where that gives the masks, or the dense network."""
        run = self.run(head[0], level, head[1])
        source = self.recipe.masks_from or (self.dense if level == 0 else None)
        return replace(run, recipe=source) if source and head == TICKET else run

    def runs(self) -> list[Run]:
        """Every run the chain asks for, level by level."""
        draws = dict(self.draws)
        return [
            self.run(name, level, draw)
            for level in range(self.levels + 1)
            for name in ARMS
            if level >= self.first_level(name)
            for draw in range(draws.get(name, 0))
        ]

    def first_level(self, arm: str) -> int:
        """The first level at which the chain asks for runs of an arm."""
        if ARMS[arm].has_own_chain:
            return 0
        shared = 1 if self.dense else 0
        return max(ARMS[arm].first_level, shared, 0 if arm == "ticket" else self.controls_from)

    def heads(self) -> list[tuple[str, int]]:
        """The arms, each with its draw, whose runs decide what is pruned next: the ticket, and every own chain."""
        draws = dict(self.draws)
        own = [(name, draw) for name, arm in ARMS.items() if arm.has_own_chain for draw in range(draws.get(name, 0))]
        return [TICKET, *own]

    def following(self, head: tuple[str, int]) -> list[Run]:
        """The runs the chain asks for that wait for this head's levels: its own, and with the ticket's all controls."""
        if ARMS[head[0]].has_own_chain:
            return [run for run in self.runs() if (run.arm, run.draw) == head]
        return [run for run in self.runs() if not ARMS[run.arm].has_own_chain]


def next_level(
    chain: Chain,
    head: tuple[str, int],
    level: int,
    dense: Left | None = None,
    before: Left | None = None,
    gradients: Gradients = no_gradients,
) -> list[Job]:
    """The jobs of one level, the head's first.

    Arguments:
        chain: the trial that it is a level of.
        head: the arm and draw whose weights are pruned, one of `chain.heads()`.
        level: which level, from 0.
        dense: what the head's level 0 left (from level 1 on).
        before: what the head's level before left (from level 1 on).
        gradients: for criteria that ask for them (see lth.criteria.Criterion).
    """
    run, moments = chain.head_run(head, level), None
    if dense is None or before is None:
        masks = pruning.full_masks(skeleton(run.recipe), run.recipe.pruning.biases)
    else:
        masks = _next_masks(chain, run, dense, before, gradients)
        moments = chain.rules.carry(chain, level, before, masks)
    jobs = [Job(run, _start(chain, run, masks, dense, before), masks, moments)]
    if ARMS[run.arm].has_own_chain:
        return jobs
    for control in chain.following(head):
        if control.level == level and control != run:
            own = _mask_of(control, chain, masks, dense, gradients)
            carried = moments if ARMS[control.arm].mask == "ticket" else None
            jobs.append(Job(control, _start(chain, control, own, dense, before), own, carried))
    return jobs


def _next_masks(chain: Chain, run: Run, dense: Left, before: Left, gradients: Gradients) -> Masks:
    """The masks of a head's run, after what its level before left; or before any training, by criteria `at_start`."""
    net, rule, drawn = skeleton(run.recipe), run.recipe.pruning, run.stream("criterion")
    if rounds_at_start(rule):
        full = pruning.full_masks(net, rule.biases)
        began = _start(chain, replace(run, level=0), full, None)
        return pruning.prune_start(pruning.ladder(net, rule, run.level)[-1], began, full, rule, gradients, drawn)
    kinds = prunable(net, rule.biases)
    kept = {layer: before.masks[layer] for layer in kinds}  # in order of depth, however they were stored
    began = _start(chain, replace(run, level=run.level - 1), kept, dense)
    return pruning.prune(before.weights, kept, kinds, rule, began, gradients, drawn)


def _start(chain: Chain, run: Run, masks: Masks, dense: Left | None, before: Left | None = None) -> Weights:
    """The starting weights that the row of the run's arm names, 0 where masked unless they are frozen there."""
    if run.level == 0 or dense is None:
        fresh = stream(chain.root_seed, chain.trial, "initialisation")
        rewound = initialise(skeleton(run.recipe), fresh, run.recipe.initial_std)
    else:
        rewound = chain.rules.rewind(chain, run.level, dense)
    make = ARMS[run.arm].start
    if not callable(make):
        check_choice("start of an arm", make, STARTS)
        make = STARTS[make]
    if nothing := next((name for name, value in rewound.items() if not value.isfinite().all()), None):
        raise LthError(
            f"the weights {nothing} at which {chain.recipe.name}, trial {chain.trial}, starts are not all numbers: "
            f"training diverges before the rewind iteration {chain.recipe.rewind}, or initial weights are too large; "
            "choose a lower learning rate, an earlier rewind iteration or smaller initial weights"
        )
    final = before.weights if before else rewound
    copies = ({name: value.clone() for name, value in part.items()} for part in (rewound, final))
    made = make(Beginning(run, masks, *copies))
    if found := misfit(made, rewound):
        name, shape, instead = found
        raise LthError(f"the start of the arm {run.arm!r} must give {name} the shape {shape}, not {instead}")
    weights = made if run.recipe.pruning.frozen else pruning.apply(masks, made)
    return {name: weights[name] for name in skeleton(run.recipe).state_dict()}  # in order of depth


def _mask_of(run: Run, chain: Chain, ticket: Masks, dense: Left | None, gradients: Gradients) -> Masks:
    """The masks of a control of the ticket with the masks `ticket`."""
    arm = ARMS[run.arm]
    if arm.mask == "random":
        return pruning.random_masks(ticket, run.stream("mask"))
    if arm.mask == "oneshot" and dense is not None:
        net, rule = skeleton(chain.recipe), chain.recipe.pruning
        if rounds_at_start(rule):  # the ticket is pruned at once itself
            return ticket
        rung, full = pruning.ladder(net, rule, run.level)[-1], pruning.full_masks(net, rule.biases)
        began = _start(chain, chain.run("ticket", 0), full, None)
        drawn = run.stream("criterion")
        return pruning.prune_to(rung, dense.weights, full, rule, began, gradients, drawn)
    return ticket


def walk(
    chain: Chain, train: Callable[[Job], Trained], gradients: Gradients = no_gradients
) -> Iterator[tuple[Job, Trained]]:
    """The whole procedure for one trial, in this process: train every job in order, and yield it with what it left."""
    pruning.ladder(skeleton(chain.recipe), chain.recipe.pruning, chain.levels)
    for head in chain.heads():
        dense = before = None
        for level in range(chain.levels + 1):
            jobs = next_level(chain, head, level, dense, before, gradients)
            results = [train(job) for job in jobs]
            yield from zip(jobs, results, strict=True)
            before = left(jobs[0], results[0])
            dense = dense or before


def left(job: Job, trained: Result) -> Left:
    """What a trained job leaves to the next level."""
    return Left(trained.weights, trained.rewound, job.masks, trained.moments)
