"""The figure of claims and verdicts: what is claimed, what is found, and the interval."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth.report import figures
from lth.report.claims.paper import CLAIMS, Claim
from lth.statistics.paired import DENSE

MARKS = {  # verdict: colour, marker, filled
    "replicated": ("#0b6e4f", "o", True),
    "direction only": ("#0173b2", "o", False),
    "not replicated": ("#b3261e", "X", True),
    "inconclusive": ("0.4", "D", False),
}
AXES = {
    "% earlier": "earlier early stop (%)",
    "x faster": "times as fast to early stop",
    "pp": "difference in test accuracy (percentage points)",
    "level": "pruning level from which accuracy falls below",
}


def forest(table: pd.DataFrame, planned: Mapping[str, int]) -> Figure:
    """Each claim's estimate and interval beside what is claimed (grey), a panel a unit; dotted: no effect.

    `planned` says how many trials of each arm there are to be (see lth.analysis.planned_trials).
    """
    units = [unit for unit in AXES if unit in set(table["unit"])]
    groups = [table[table["unit"] == unit] for unit in units]
    figure, spare = figures.new_figure((6.0, 1.1 * len(units) + 0.42 * len(table)))
    spare.remove()
    ratios = [len(group) + 0.6 for group in groups]
    axes = figure.subplots(len(units), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for unit, group, ax in zip(units, groups, axes, strict=True):
        _panel(ax, group, planned)
        ax.set_xlabel(AXES[unit], fontsize="small")
        if unit == "level":
            ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    return figure


def _panel(ax: Axes, group: pd.DataFrame, planned: Mapping[str, int]) -> None:
    """One unit's claims, the first on top."""
    claims = [CLAIMS[name] for name in group["claim"]]
    allowed = [_allowed(claim) for claim in claims]
    ends = pd.Series(
        [*group[["estimate", "low", "high"]].to_numpy().ravel(), *(end for pair in allowed for end in pair)]
        + [claim.no_effect for claim in claims if claim.estimator != "falls below"],
        dtype=float,
    ).dropna()
    margin = 0.08 * (ends.max() - ends.min()) or 1.0
    left, right = ends.min() - margin, ends.max() + margin
    for y, (row, claim, (least, most)) in enumerate(zip(group.to_dict("records"), claims, allowed, strict=True)):
        start, end = left if least is None else least, right if most is None else most
        ax.barh(y, end - start, left=start, height=0.62, color="0.88", zorder=1)
        if claim.number is not None:
            ax.plot([claim.number] * 2, [y - 0.31, y + 0.31], color="0.45", linewidth=1.6, zorder=2)
        if claim.estimator != "falls below":
            ax.plot([claim.no_effect] * 2, [y - 0.5, y + 0.5], color="0.3", linestyle=":", linewidth=1.2, zorder=2)
        if not pd.isna(row["estimate"]):
            colour, marker, filled = MARKS[row["verdict"]]
            face = colour if filled else "white"
            if not pd.isna(row["low"]):
                ax.plot([row["low"], row["high"]], [y, y], color=colour, linewidth=2, zorder=3)
            ax.plot(row["estimate"], y, marker, color=colour, markerfacecolor=face, markersize=8, zorder=4)
        whole = min((planned[arm] for arm in (claim.arm, claim.against) if arm in planned), default=row["n"])
        count = f"\nn = {row['n']}{f' of {whole}' if row['n'] < whole else ''}" if row["n"] else ""
        ax.annotate(
            f"{row['verdict']}{count}", (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize="small"
        )
    ax.set(xlim=(left, right), ylim=(len(claims) - 0.4, -0.6))
    ax.set_yticks(range(len(claims)), [f"{claim.id}\n{label(claim)}" for claim in claims], fontsize="small")
    ax.tick_params(axis="x", labelsize="small")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)


def _allowed(claim: Claim) -> tuple[float | None, float | None]:
    """What an estimate may be for the claim to be met, tolerance included; None: no bound on that side."""
    if claim.number is None:  # a range of levels, of which the figure shows the effect inside
        return claim.no_effect, None
    least, most = claim.number - claim.tolerance, claim.number + claim.tolerance
    if claim.direction in ("larger is stronger", "lower bound", "no worse"):
        return least, None
    return (claim.no_effect if claim.direction == "upper bound" else least), most


def label(claim: Claim) -> str:
    """What a claim compares, in few words."""
    where = {"best": "best level"}.get(claim.estimator, f"level {claim.levels[0]}")
    if claim.estimator == "range":
        where = f"levels {claim.levels[0]}–{claim.levels[-1]}"
    if claim.estimator == "falls below":
        return f"{claim.arm} below {claim.against}"
    against = "dense" if claim.against == DENSE else claim.against
    late = ", at the end" if claim.measure == "final_test_acc" else ""
    return f"{claim.arm} – {against}, {where}{late}"
