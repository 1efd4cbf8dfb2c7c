"""Arms against each other, above all tickets against the dense network and fresh weights: tables and sentences.

For what no claim is about, because the paper gives no number or a study is shorter than the paper's: what is seen, and
nothing more.
"""

import pandas as pd

from lth.report import styles
from lth.report import text as report_text
from lth.report.text import estimate_text, listed, span
from lth.statistics import paired
from lth.statistics.bootstrap import Estimate, MissingRecords, seeded
from lth.statistics.paired import AT_EARLY, AT_END, DENSE, EARLY, Effect, Side

NAMES = {DENSE: "the dense network"} | {arm: style.short for arm, style in styles.of_arms().items()}
AGAINST = (DENSE, "reinit")  # of tickets
CONTRASTS = (  # of the arms of the paper's Figure 4
    *(("ticket", against) for against in (DENSE, "reinit", "random-mask", "oneshot")),
    *(("oneshot", against) for against in (DENSE, "oneshot-reinit")),
)
COLUMNS: tuple[tuple[str, Effect, str], ...] = (
    ("Times as fast", paired.times, EARLY),
    ("pp at early stop", paired.gain, AT_EARLY),
    ("pp after training", paired.gain, AT_END),
)
FORMS = ("{:.2f}", "{:+.2f}", "{:+.2f}")  # of these columns


def gain_of(
    runs: pd.DataFrame, level: int, against: str, effect: Effect, measure: str, arm: str = "ticket"
) -> Estimate | None:
    """The arm's effect at a level over the trials that have both sides; None where there are none."""
    try:
        ours, theirs = paired.paired([Side(runs, arm, [level]), Side(runs, against, [level])], measure)
    except MissingRecords:
        return None
    return paired.estimate(effect, ours[:, 0], theirs[:, 0], seeded(f"{arm} {against} {measure} {level}"))


def pruned_levels(runs: pd.DataFrame) -> pd.Series:
    """The tickets' density at each pruned level."""
    tickets = runs[(runs["arm"] == "ticket") & (runs["level"] > 0)]
    return tickets.groupby("level")["density"].mean()


def rows(runs: pd.DataFrame, level: int, name: str) -> list[tuple[str, ...]]:
    """A row of a table that starts with `name` for each side of AGAINST that the records of one recipe have."""
    return _rows(runs, level, [(name, "ticket", against) for against in AGAINST])


def contrasts(runs: pd.DataFrame, level: int) -> str:
    """The table of one recipe's CONTRASTS at a level, as far as there are records of both sides."""
    named = [(NAMES[arm], arm, against) for arm, against in CONTRASTS]
    return table("Arm", _rows(runs, level, named))


def _rows(runs: pd.DataFrame, level: int, named: list[tuple[str, str, str]]) -> list[tuple[str, ...]]:
    """A row for each (first cell, arm, against) of which the records have both sides."""
    lines = []
    for name, arm, against in named:
        found = [gain_of(runs, level, against, effect, measure, arm) for _, effect, measure in COLUMNS]
        effects = [effect for effect in found if effect]
        if len(effects) == len(COLUMNS):
            lines.append((name, NAMES[against], *map(estimate_text, effects, FORMS), str(effects[0].n)))
    return lines


def table(first: str, lines: list[tuple[str, ...]]) -> str:
    """The rows in Markdown, under a head that begins with `first`; a row that says so where there are none."""
    head = (first, "Against", *(name for name, *_ in COLUMNS), "n")
    return report_text.table(head, lines or [("no records yet", *"–" * (len(head) - 1))])


def by_level(runs: pd.DataFrame) -> str:
    """The table of one recipe, with rows for each pruned level."""
    levels = pruned_levels(runs).items()
    return table("Weights left", [row for level, density in levels for row in rows(runs, level, f"{density:.1%}")])


def sentence(runs: pd.DataFrame) -> str:
    """Tickets against the dense network and fresh weights, where they are fastest and at the sparsest level.

    With 95 % intervals.
    """
    levels = pruned_levels(runs)
    if levels.empty:
        return "No pruned network has been trained yet."
    speed = {level: _over_dense(runs, level, paired.times, EARLY) for level in levels.index}
    fastest = max(levels.index, key=lambda level: speed[level].value)
    told = [_told(runs, level, levels[level], speed[level]) for level in sorted({fastest, levels.index[-1]})]
    return " ".join(told) + (" (The fastest of several levels flatters.)" if len(levels) > 1 else "")


def advantage_sentence(parts: dict[str, pd.DataFrame], level: int) -> str:
    """With which of the named experiments the tickets' advantage over fresh weights at a level is established."""
    established, trials = [], []
    for ahead, no_effect, (_, effect, measure) in zip(
        ("faster", "more accurate"), (1.0, 0.0), COLUMNS[:2], strict=True
    ):
        found = {name: gain_of(runs, level, "reinit", effect, measure) for name, runs in parts.items() if len(runs)}
        sizes = {name: size for name, size in found.items() if size}
        sure = [name for name, size in sizes.items() if size.above(no_effect)]
        established.append(f"{ahead} with {listed(sure)}" if sure else f"{ahead} with none of them")
        trials += [size.n for size in sizes.values()]
    if max(trials, default=0) < 2:
        return "A single trial has no interval: whether tickets are ahead of fresh weights by more than chance is open."
    return (
        f"Against fresh weights, 95% intervals establish that tickets are {' and '.join(established)} "
        f"(n = {span(trials)})."
    )


def late_sentence(share: float) -> str:
    """What it means that this share of the runs stops in the last tenth of training."""
    return (
        f"{share:.0%} of the runs stop in the last tenth of their training: they might have stopped later still, so "
        "that the speed of those that stop early is rather underestimated."
    )


def _over_dense(runs: pd.DataFrame, level: int, effect: Effect, measure: str) -> Estimate:
    """The tickets' effect against the dense network, which is there wherever they are."""
    size = gain_of(runs, level, DENSE, effect, measure)
    assert size is not None
    return size


def _told(runs: pd.DataFrame, level: int, density: float, speed: Estimate) -> str:
    """Tickets at a level, whose speed is given, against the dense network and fresh weights."""
    dense = _over_dense(runs, level, paired.gain, AT_EARLY)
    text = (
        f"With {density:.1%} of the weights (n = {dense.n}) tickets reach their early stop "
        f"{estimate_text(speed, FORMS[0])} times as fast as the dense network; their accuracy there differs from its "
        f"by {estimate_text(dense, FORMS[1])} percentage points"
    )
    if fresh := gain_of(runs, level, "reinit", paired.gain, AT_EARLY):
        text += f", and from that of the same masks with fresh weights by {estimate_text(fresh, FORMS[1])}"
        text += f" (n = {fresh.n})" if fresh.n != dense.n else ""
    return f"{text}."
