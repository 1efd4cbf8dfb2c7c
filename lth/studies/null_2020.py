"""The studies of the 2020 report: its program, its settings one by one, and those that matter at the paper's length."""

from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations

from lth.recipes import Pruning, Recipe
from lth.studies.deviations import CERTAIN, DEVIATIONS, PARTS, deviate
from lth.studies.lenet import LENET, PAIR
from lth.studies.study import Grid, Study

# Three of LeNet's levels at once and a quarter of its iterations: many recipes can be compared, at the densities of
# levels 0, 3, 6, 9, 12 and 15.
COARSE = replace(
    LENET,
    name="protocol",
    iterations=12_000,
    eval_every=200,
    train_eval_every=2000,
    pruning=Pruning(linear=1 - 0.8**3, output=1 - 0.9**3),
    drift_at=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 12_000),
)
COARSE_AT_LENGTH = replace(
    COARSE,
    iterations=50_000,
    eval_every=100,
    train_eval_every=1000,
    drift_at=(1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 20_000, 50_000),
)
# Single steps in the first hundreds of iterations, where an optimizer that is carried differs from a fresh one.
CLOSE_UP = replace(
    COARSE, steps_at=(1, 3, 10, 30, 100, 300, 1000), drift_at=(1, 3, 10, 30, 100, 300, 1000, 3000, 12_000)
)
SETTINGS = ("small-weights", "carried-optimizer", "standard-inputs")  # found by suspects and leave-one-out
CHAINS = {"ticket": 1, "chain-reinit": 1}


def _all_but(*left_out: str) -> Recipe:
    """The coarse protocol with all of the certain deviations but these."""
    name = "all-but-" + "-".join(left_out) if left_out else "all"
    return deviate(COARSE, name, *(d for d in CERTAIN if d not in left_out))


def every_combination(base: Recipe) -> tuple[Recipe, ...]:
    """`base` with each subset of the three settings, named after them; without any it is called "protocol"."""
    subsets: Iterable[tuple[str, ...]] = (
        subset for size in range(len(SETTINGS) + 1) for subset in combinations(SETTINGS, size)
    )
    return tuple(deviate(base, "+".join(subset) or "protocol", *subset) for subset in subsets)


def _with_parts(base: Recipe) -> tuple[Recipe, ...]:
    """`base` with each part of the carried optimizer alone, with small weights, and with standard inputs as well."""
    beside: tuple[tuple[str, ...], ...] = ((), ("small-weights",), ("small-weights", "standard-inputs"))
    subsets = ((*others[:1], part, *others[1:]) for others in beside for part in PARTS)
    return tuple(deviate(base, "+".join(subset), *subset) for subset in subsets if subset != ("shuffled-moments",))


def _program(name: str, *deviations: str) -> Recipe:
    """LeNet as the 2020 code trained it: to the end of the epoch in which iteration 50,000 lies, measured every epoch.

    That is 55 epochs. Here an epoch has 916 batches, as everywhere in this project; there one more, of 40 images.
    """
    length = replace(LENET, iterations=55 * 916, eval_every=916, train_eval_every=5 * 916)
    always = ("small-weights", "carried-optimizer", "pruned-biases", "standard-inputs")
    return deviate(length, name, *always, *deviations)


_MECHANISM = (*every_combination(CLOSE_UP), *_with_parts(CLOSE_UP))

STUDIES = (
    # The 2020 code's deviations (lth.studies.deviations), one at a time: another recipe each, or another control.
    Study(
        name="suspects",
        recipes=(COARSE, *(deviate(COARSE, d, d) for d in DEVIATIONS if d != "chain-control")),
        grids=(Grid(PAIR, trials=5), Grid(CHAINS, trials=5, recipes=("protocol",))),
        levels=5,
    ),
    # All of them, and all but one; all but the chain control are the tickets of "all" against their own masks.
    Study(
        name="leave-one-out",
        recipes=(
            _all_but(),
            *(_all_but(d) for d in CERTAIN if d != "chain-control"),
            deviate(COARSE, "all-and-lost-weights", *DEVIATIONS),
        ),
        grids=(Grid(CHAINS, trials=5), Grid(PAIR | CHAINS, trials=5, recipes=("all",))),
        levels=5,
    ),
    # All of them once more, with the trials that a verdict asks for: measured once an epoch, five cannot tell.
    Study(
        name="together",
        recipes=(COARSE, _all_but()),
        grids=(Grid(PAIR, trials=20, recipes=("protocol",)), Grid(CHAINS, trials=20, recipes=("all",))),
        levels=5,
    ),
    # Every combination of the three that the studies above point to, against fresh weights in the same masks.
    Study(name="factorial", recipes=every_combination(COARSE), grids=(Grid(PAIR, trials=5),), levels=5),
    # The three together at the paper's length, beside the protocol in `lenet`.
    Study(
        name="culprits",
        recipes=(deviate(LENET, "lenet-culprits", *SETTINGS),),
        grids=(Grid(PAIR, trials=3),),
        levels=25,
    ),
    # All deviations at full length.
    Study(
        name="null-2020",
        recipes=(deviate(LENET, "lenet-2020", *CERTAIN),),
        grids=(Grid(CHAINS, trials=5),),
        levels=25,
    ),
    # The program that drew the 2020 report, as it was on 7 and 8 September and as it was from 8 September on, on seeds
    # that no other study uses (data/registered.md says by which rule the report is attributed to one).
    Study(
        name="program-a",
        recipes=(_program("program-a", "late-rewind"),),
        grids=(Grid({"ticket": 1, "other-ticket": 1}, trials=20),),
        levels=25,
        root_seed=2,
    ),
    Study(
        name="program-b",
        recipes=(_program("program-b"),),
        grids=(Grid(CHAINS, trials=20),),
        levels=25,
        root_seed=2,
    ),
    # What it is that the carried optimizer does to small weights: its parts, and single steps of all combinations
    # (data/registered.md has the accounts and what they predict). More trials of what has small weights.
    Study(
        name="mechanism",
        recipes=_MECHANISM,
        grids=(
            Grid(PAIR, trials=5, recipes=tuple(r.name for r in _MECHANISM if r.initial_std)),
            Grid(PAIR, trials=3, recipes=tuple(r.name for r in _MECHANISM if not r.initial_std)),
        ),
        levels=3,
        root_seed=3,
    ),
    # The three settings, alone and together, at the paper's length and on seeds that no other study uses.
    Study(
        name="settings",
        recipes=every_combination(COARSE_AT_LENGTH),
        grids=(Grid(PAIR, trials=10),),
        levels=5,
        root_seed=1,
    ),
)
