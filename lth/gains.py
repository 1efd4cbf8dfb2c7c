"""Tickets against the dense network and against fresh weights in their masks, level by level: a table and sentences.

For studies whose claims are not judged, because they are shorter than the paper's: what is seen, and nothing more.
"""

import pandas as pd

from lth import estimators
from lth.conclusions import estimate_text
from lth.effects import seeded
from lth.estimators import DENSE, MEASURES, Effect, Estimate, MissingRecords
from lth.verdicts import markdown

EARLY, AT_EARLY, AT_END = MEASURES
AGAINST = {DENSE: "the dense network", "reinit": "fresh weights"}
COLUMNS: tuple[tuple[str, Effect, str, str], ...] = (
    ("times as fast", estimators.times, EARLY, "{:.2f}"),
    ("pp at early stop", estimators.gain, AT_EARLY, "{:+.2f}"),
    ("pp after training", estimators.gain, AT_END, "{:+.2f}"),
)


def gain_of(runs: pd.DataFrame, level: int, against: str, effect: Effect, measure: str) -> Estimate | None:
    """The tickets' effect at a level over the trials that have both sides; None where there are none."""
    try:
        ours, theirs = estimators.paired(runs, measure, "ticket", against, [level])
    except MissingRecords:
        return None
    return estimators.estimate(effect, ours[:, 0], theirs[:, 0], seeded(f"{against} {measure} {level}"))


def pruned_levels(runs: pd.DataFrame) -> pd.Series:
    """The tickets' density at each pruned level."""
    tickets = runs[(runs["arm"] == "ticket") & (runs["level"] > 0)]
    return tickets.groupby("level")["density"].mean()


def table(runs: pd.DataFrame) -> str:
    """A row for each pruned level of one recipe and each side of AGAINST, in Markdown."""
    rows = []
    for level, density in pruned_levels(runs).items():
        for against, name in AGAINST.items():
            found = [gain_of(runs, level, against, effect, measure) for _, effect, measure, _ in COLUMNS]
            if None in found:
                continue
            cells = [estimate_text(one, form) for one, (*_, form) in zip(found, COLUMNS, strict=True)]
            rows.append((f"{density:.1%}", name, *cells, str(found[0].n)))
    return markdown(("Weights left", "Against", *(head.capitalize() for head, *_ in COLUMNS), "n"), rows)


def sentence(runs: pd.DataFrame) -> str:
    """Where tickets are most accurate at early stop, and by how much, and where they are fastest."""
    levels = pruned_levels(runs)
    best = {}
    for what, effect, measure in (("gain", estimators.gain, AT_EARLY), ("times", estimators.times, EARLY)):
        found = {level: gain_of(runs, level, DENSE, effect, measure) for level in levels.index}
        level = max((level for level, one in found.items() if one), key=lambda level: found[level].value)
        best[what] = level, found[level]
    (accurate, gain), (fast, times) = best["gain"], best["times"]
    text = (
        f"Tickets are most accurate at early stop with {levels[accurate]:.1%} of the weights: {gain.value:+.2f} "
        "percentage points from the dense network"
    )
    if fresh := gain_of(runs, accurate, "reinit", estimators.gain, AT_EARLY):
        text += f", {fresh.value:+.2f} from their masks with fresh weights"
    return f"{text}. They stop earliest with {levels[fast]:.1%}: {times.value:.2f} times as fast as the dense network."
