"""The studies there are, by name, and how to change one."""

import re
from dataclasses import replace

from lth import data
from lth.deviations import CERTAIN, DEVIATIONS, deviate
from lth.engines import CHOICES
from lth.errors import LthError, check_choice, check_positive
from lth.grid import Grid, Study
from lth.networks import NETWORKS, shorten, with_warmup
from lth.recipes import RECIPES, Pruning, Recipe
from lth.records import copies
from lth.runs import ARMS

LENET = RECIPES["lenet"]

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
CULPRITS = ("small-weights", "carried-optimizer", "standard-inputs")  # found by suspects and leave-one-out
PAIR, CHAINS = {"ticket": 1, "reinit": 1}, {"ticket": 1, "chain-reinit": 1}
BOTH_CHAINS = CHAINS | {"chain-rewound": 1}  # the report's control as it was, and as it was until the day before
ANOTHER_TICKET = {"ticket": 1, "other-ticket": 1}
CONTROLS = ("oneshot", "oneshot-reinit", "random-mask")


def _all_but(*left_out: str) -> Recipe:
    name = "all-but-" + "-".join(left_out) if left_out else "all"
    return deviate(COARSE, name, *(d for d in CERTAIN if d not in left_out))


def _together(which: int, base: Recipe = COARSE) -> Recipe:
    """The coarse protocol with those culprits whose bit is set in `which`."""
    chosen = [name for bit, name in enumerate(CULPRITS) if which >> bit & 1]
    return deviate(base, "+".join(chosen) or "protocol", *chosen)


def _program(name: str, *deviations: str) -> Recipe:
    """LeNet as the 2020 code trained it: to the end of the epoch in which iteration 50,000 lies, measured every epoch.

    That is 55 epochs. Here an epoch has 916 batches, as everywhere in this project; there one more, of 40 images.
    """
    length = replace(LENET, iterations=55 * 916, eval_every=916, train_eval_every=5 * 916)
    always = ("small-weights", "carried-optimizer", "pruned-biases", "standard-inputs")
    return deviate(length, name, *always, *deviations)


STUDIES = {
    study.name: study
    for study in (
        # The replication itself, at the paper's length. Books and notebooks draw what of it is published.
        Study("lenet", (LENET,), (Grid(PAIR, 20), Grid(dict.fromkeys(CONTROLS, 1) | {"reinit": 3}, 5)), 25),
        # How far the result hangs on the scale of the inputs, of which the paper says nothing.
        Study(
            "lenet-preprocessing",
            (LENET, *(replace(LENET, name=f"lenet-{scale}", preprocessing=scale) for scale in ("unit", "standard"))),
            (Grid(PAIR, 5),),
            16,
        ),
        # The 2020 replication's deviations (lth.deviations), one at a time: another recipe each, or another control.
        Study(
            "suspects",
            (COARSE, *(deviate(COARSE, d, d) for d in DEVIATIONS if d != "chain-control")),
            (Grid(PAIR, 5), Grid(BOTH_CHAINS, 5, ("protocol",))),
            5,
        ),
        # All of them, and all but one; all but the chain control are the tickets of "all" against their own masks.
        Study(
            "leave-one-out",
            (
                _all_but(),
                *(_all_but(d) for d in CERTAIN if d != "chain-control"),
                deviate(COARSE, "all-and-lost-weights", *DEVIATIONS),
            ),
            (Grid(CHAINS, 5), Grid(PAIR | BOTH_CHAINS, 5, ("all",))),
            5,
        ),
        # All of them once more, with the trials that a verdict asks for: measured once an epoch, five cannot tell.
        Study("together", (COARSE, _all_but()), (Grid(PAIR, 20, ("protocol",)), Grid(CHAINS, 20, ("all",))), 5),
        # Every combination of the three that the studies above point to, against fresh weights in the same masks.
        Study("factorial", tuple(map(_together, range(2 ** len(CULPRITS)))), (Grid(PAIR, 5),), 5),
        # The three together at the paper's length, beside the protocol in `lenet`.
        Study("culprits", (deviate(LENET, "lenet-culprits", *CULPRITS),), (Grid(PAIR, 3),), 25),
        # The experiment of 2020 as it was: all deviations at full length.
        Study("null-2020", (deviate(LENET, "lenet-2020", *CERTAIN),), (Grid(BOTH_CHAINS, 5),), 25),
        # The program that drew the 2020 report, as it was on 7 and 8 September and as it was from 8 September on, on
        # seeds that no other study uses (data/registered.md says by which rule the report is attributed to one).
        Study("program-a", (_program("program-a", "late-rewind"),), (Grid(ANOTHER_TICKET, 20),), 25, 2),
        Study("program-b", (_program("program-b"),), (Grid(CHAINS, 20),), 25, 2),
        # The three settings, alone and together, at the paper's length and on seeds that no other study uses.
        Study("settings", tuple(_together(which, COARSE_AT_LENGTH) for which in range(8)), (Grid(PAIR, 10),), 5, 1),
        # A few coarse levels, trained live in a minute: enough to see a ticket beat its reinitialisation.
        Study(
            "quickstart",
            (replace(LENET, name="lenet-coarse", iterations=3000, pruning=Pruning(linear=0.5, output=0.25)),),
            (Grid({"ticket": 1, "reinit": 1}, 1),),
            4,
        ),
        *NETWORKS,
    )
}


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


def _items(what: str, text) -> list[str]:
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
    """The study of that name, changed where an argument is given.

    `arms` is text such as "ticket,reinit:3"; `levels` counts pruning rounds, so levels 0 to `levels` are trained;
    `trials` sets the size of the largest grid and limits the others; `iterations` moves the drops of the learning
    rate, the warmup and the rewind iteration in proportion, unless these are given; `recipes` is a choice of the
    study's, such as "resnet18,resnet18-rewind". Raises LthError for unknown names and bad values.

    It is on the images that its published records are on, or else on those in the data folder: a copy is part of a
    run's key (Recipe.copy), so that results on it never mix with those on the original.
    """
    check_choice("study", name, STUDIES)
    chosen = STUDIES[name]
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
        wanted = [shorten(recipe, iterations) for recipe in wanted]
    if rewind is not None:
        wanted = [replace(recipe, rewind=rewind) for recipe in wanted]
    if warmup is not None:
        wanted = [with_warmup(recipe, warmup) for recipe in wanted]
    published = copies(name)
    wanted = [replace(r, copy=published[r.dataset]) if r.dataset in published else data.as_found(r) for r in wanted]
    chosen = replace(chosen, recipes=tuple(wanted), levels=levels or chosen.levels, engine=engine or chosen.engine)
    if levels is not None:
        chosen.check_levels()
    return chosen


def _named(names: str, recipes: tuple[Recipe, ...]) -> list[Recipe]:
    """The recipes of these names, in the study's order."""
    wanted = _items("recipes", names)
    for name in wanted:
        check_choice("recipe", name, [recipe.name for recipe in recipes])
    return [recipe for recipe in recipes if recipe.name in wanted]
