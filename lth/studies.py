"""The studies there are, by name, and how to change one."""

from dataclasses import replace

from lth.errors import LthError, check_choice, check_positive
from lth.grid import Grid, Study
from lth.recipes import RECIPES, Pruning
from lth.runs import ARMS

LENET = RECIPES["lenet"]
STUDIES = {
    study.name: study
    for study in (
        # The replication itself, at the paper's length; trials are added as they are finished.
        Study("lenet", (LENET,), (Grid({"ticket": 1, "reinit": 1}, 3),), 25),
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
