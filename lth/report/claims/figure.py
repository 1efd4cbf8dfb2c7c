"""The figure of claims and verdicts: what is claimed, what is found, and the interval."""

from collections.abc import Mapping

import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from lth.report import verdicts
from lth.report.axes import new_figure
from lth.report.claims.claim import BY_UNIT, LEVEL, Claim
from lth.report.claims.paper import every
from lth.statistics.paired import AT_END, DENSE


def forest(table: pd.DataFrame, planned: Mapping[str, int]) -> Figure:
    """Each claim's estimate and interval beside what is claimed (grey), a panel a unit; dotted: no effect.

    `planned` says how many trials of each arm there are to be (see text.planned_trials).
    """
    units = [unit for unit in BY_UNIT if unit in set(table["unit"])]
    groups = [table[table["unit"] == unit] for unit in units]
    figure, spare = new_figure((6.0, 1.1 * len(units) + 0.42 * len(table)))
    spare.remove()
    ratios = [len(group) + 0.6 for group in groups]
    axes = figure.subplots(len(units), 1, height_ratios=ratios, squeeze=False)[:, 0]
    for unit, group, ax in zip(units, groups, axes, strict=True):
        _panel(ax, group, planned)
        ax.set_xlabel(BY_UNIT[unit].axis, fontsize="small")
        if unit == LEVEL.unit:
            ax.xaxis.set_major_locator(ticker.MaxNLocator(integer=True))
    return figure


def _panel(ax: Axes, group: pd.DataFrame, planned: Mapping[str, int]) -> None:
    """One unit's claims, the first on top."""
    claims = [every()[name] for name in group["claim"]]
    limits = _limits(group, claims)
    for y, (row, claim) in enumerate(zip(group.to_dict("records"), claims, strict=True)):
        _claimed(ax, y, claim, limits)
        _found(ax, y, row)
        whole = min((planned[arm] for arm in (claim.arm, claim.against) if arm in planned), default=row["n"])
        count = f"\nn = {row['n']}{f' of {whole}' if row['n'] < whole else ''}" if row["n"] else ""
        ax.annotate(
            f"{row['verdict']}{count}", (1.02, y), xycoords=("axes fraction", "data"), va="center", fontsize="small"
        )
    ax.set(xlim=limits, ylim=(len(claims) - 0.4, -0.6))
    ax.set_yticks(range(len(claims)), [f"{claim.id}\n{label(claim)}" for claim in claims], fontsize="small")
    ax.tick_params(axis="x", labelsize="small")
    ax.tick_params(axis="y", length=0)
    ax.grid(axis="y", visible=False)
    for side in ("left", "right", "top"):
        ax.spines[side].set_visible(False)


def _limits(group: pd.DataFrame, claims: list[Claim]) -> tuple[float, float]:
    """The ends of an axis that shows all intervals, all that is claimed, and no effect, with a margin."""
    ends = [*group[["estimate", "low", "high"]].to_numpy().ravel(), *(end for c in claims for end in _allowed(c))]
    ends += [claim.no_effect for claim in claims if claim.told_in != LEVEL]
    ends = pd.Series(ends, dtype=float).dropna()
    margin = 0.08 * (ends.max() - ends.min()) or 1.0
    return ends.min() - margin, ends.max() + margin


def _claimed(ax: Axes, y: int, claim: Claim, limits: tuple[float, float]) -> None:
    """What may be estimated for the claim to be met in grey, the claimed number, and no effect dotted."""
    start, end = (limit if end is None else end for end, limit in zip(_allowed(claim), limits, strict=True))
    ax.barh(y, end - start, left=start, height=0.62, color="0.88", zorder=1)
    if claim.number is not None:
        ax.plot([claim.number] * 2, [y - 0.31, y + 0.31], color="0.45", linewidth=1.6, zorder=2)
    if claim.told_in != LEVEL:
        ax.plot([claim.no_effect] * 2, [y - 0.5, y + 0.5], color="0.3", linestyle=":", linewidth=1.2, zorder=2)


def _found(ax: Axes, y: int, row: dict) -> None:
    """The estimate with its interval, in the colour and with the mark of its verdict."""
    if pd.isna(row["estimate"]):
        return
    style = verdicts.CLAIMS[row["verdict"]]
    if not pd.isna(row["low"]):
        ax.plot([row["low"], row["high"]], [y, y], color=style.colour, linewidth=2, zorder=3)
    face = style.colour if style.filled else "white"
    ax.plot(row["estimate"], y, style.marker, color=style.colour, markerfacecolor=face, markersize=8, zorder=4)


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
    late = ", at the end" if claim.measure == AT_END else ""
    return f"{claim.arm} – {against}, {where}{late}"
