"""The studies there are, by name, and how to change one."""

from dataclasses import replace

from lth.deviations import DEVIATIONS, deviate
from lth.errors import LthError, check_choice, check_positive
from lth.grid import Grid, Study
from lth.recipes import RECIPES, Pruning, Recipe
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
CERTAIN = tuple(name for name in DEVIATIONS if name != "lost-weights")  # the code does these whenever it runs
PAIR, CHAINS = {"ticket": 1, "reinit": 1}, {"ticket": 1, "chain-reinit": 1}


def _all_but(*left_out: str) -> Recipe:
    name = "all-but-" + "-".join(left_out) if left_out else "all"
    return deviate(COARSE, name, *(d for d in CERTAIN if d not in left_out))


STUDIES = {
    study.name: study
    for study in (
        # The replication itself, at the paper's length; trials are added as they are finished.
        Study("lenet", (LENET,), (Grid({"ticket": 1, "reinit": 1}, 3),), 25),
        # The 2020 replication's deviations (lth.deviations), one at a time: another recipe each, or another control.
        Study(
            "suspects",
            (COARSE, *(deviate(COARSE, d, d) for d in DEVIATIONS if d != "chain-control")),
            (Grid(PAIR, 5), Grid(CHAINS, 5, ("protocol",))),
            5,
        ),
        # All of them, and all but one; all but the chain control are the tickets of "all" against their own masks.
        Study(
            "leave-one-out",
            (_all_but(), *(_all_but(d) for d in CERTAIN if d != "chain-control")),
            (Grid(CHAINS, 5), Grid(PAIR, 5, ("all",))),
            5,
        ),
        # The experiment of 2020 as it was: all deviations at full length.
        Study("null-2020", (deviate(LENET, "lenet-2020", *CERTAIN),), (Grid(CHAINS, 5),), 25),
        # A few coarse levels, trained live in a minute: enough to see a ticket beat its reinitialisation.
        Study(
            "quickstart",
            (replace(LENET, name="lenet-coarse", iterations=3000, pruning=Pruning(linear=0.5, output=0.25)),),
            (Grid({"ticket": 1, "reinit": 1}, 1),),
            4,
        ),
    )
}


def parse_arms(arms: str) -> dict[str, int]:
    """Draws of each arm from text such as "ticket,reinit:3" (three draws of reinit in every trial)."""
    draws = {}
    for item in arms.split(","):
        arm, _, count = item.strip().partition(":")
        check_choice("arm", arm, ARMS)
        if count and not (count.isdigit() and int(count)):
            raise LthError(f"the draws of {arm} must be a whole number of at least 1, not {count!r}: write {arm}:3")
        draws[arm] = int(count or 1)
    return draws


def study(
    name: str,
    trials: int | None = None,
    levels: int | None = None,
    iterations: int | None = None,
    arms: str | None = None,
    rewind: int | None = None,
    engine: str | None = None,
) -> Study:
    """The study of that name, changed where an argument is given.

    `arms` is text such as "ticket,reinit:3"; `levels` counts pruning rounds, so levels 0 to `levels` are trained;
    `trials` sets the size of the largest grid and limits the others. Raises LthError for unknown names and bad values.
    """
    check_choice("study", name, STUDIES)
    chosen = STUDIES[name]
    for what, value in (("trials", trials), ("levels", levels), ("iterations", iterations)):
        if value is not None:
            check_positive(what, value)
    if arms is not None:
        chosen = replace(chosen, grids=(Grid(parse_arms(arms), chosen.trials),))
    if trials is not None:
        grids = [
            replace(g, trials=trials if g.trials == chosen.trials else min(g.trials, trials)) for g in chosen.grids
        ]
        chosen = replace(chosen, grids=tuple(grids))
    changes = {what: value for what, value in (("iterations", iterations), ("rewind", rewind)) if value is not None}
    recipes = tuple(replace(recipe, **changes) for recipe in chosen.recipes)
    return replace(chosen, recipes=recipes, levels=levels or chosen.levels, engine=engine or chosen.engine)
