"""Figures from records: accuracies along training, and what is measured of runs against density."""

from collections.abc import Sequence
from textwrap import fill

import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from lth.records.published import Records
from lth.report import styles
from lth.report.axes import WIDTH, density_axis, new_figure, new_grid, percent, thousands
from lth.report.selections import average_draws, check_one_recipe, curves_at, with_dense
from lth.report.text import trials_note

ENVELOPE = ("pi", 100)  # from the lowest to the highest trial, as the report and the paper draw it
BELOW_DENSE = 0.04  # accuracy axes end this far below the dense net: the differences that matter are small
LABELS = {  # column of the runs: what an axis says
    "early_stop_iteration": "early-stop iteration",
    "early_stop_test_acc": "test accuracy at early stop (%)",
    "final_test_acc": "test accuracy after training (%)",
    "early_stop_train_acc": "training accuracy at early stop (%)",
    "final_train_acc": "training accuracy after training (%)",
}
DENSITY_LABEL = "weights left (%, log scale)"


def learning_curves(
    records: Records,
    levels: list[int],
    planned: int | dict[str, int],
    until: int | None = None,
    column: str = "test_acc",
    label: str = "test accuracy (%)",
) -> Figure:
    """A measured accuracy against training iteration, up to `until`, at some levels: solid for tickets, else dashed."""
    curves = curves_at(records, levels).dropna(subset=[column])
    if until:
        curves = curves[curves["iteration"] <= until]
    curves = average_draws(curves, [column])
    curves["weights left"] = curves["density"].map("{:.1%}".format)
    colours = sns.color_palette("viridis", curves["density"].nunique())
    _name_arms(curves)
    figure, ax = new_figure((7.2, 4.6))
    sns.lineplot(
        curves, x="iteration", y=column, hue="weights left", style="arm", errorbar=ENVELOPE, ax=ax,
        hue_order=[f"{d:.1%}" for d in sorted(curves["density"].unique(), reverse=True)], palette=colours,
        dashes=_by_label(curves, "dash"), err_kws={"alpha": 0.12}, linewidth=1.6,
    )  # fmt: skip
    _mark_levels(ax, colours)
    settled = curves[curves["iteration"] >= 0.1 * curves["iteration"].max()][column]
    ax.set(ylim=(settled.min() - 0.004, settled.max() + 0.002), xlim=(0, None))
    _label(ax, "training iteration", label, trials_note(records.runs, planned))
    ax.yaxis.set_major_formatter(FuncFormatter(percent))
    ax.xaxis.set_major_formatter(FuncFormatter(thousands))
    return figure


def _mark_levels(ax: Axes, colours: list) -> None:
    """A marker at a few points of every line, another one for each level, so that levels differ in grey too."""
    for line in ax.get_lines():
        if line.get_color() in colours:
            which = colours.index(line.get_color())
            step = max(1, len(line.get_xdata()) // 6)
            line.set(marker="os^DvPX*"[which % 8], markersize=5, markeredgecolor="white", markeredgewidth=0.6)
            line.set_markevery((which * step // len(colours), step))  # not all at the same iterations


def against_density(records: Records, column: str, planned: int | dict[str, int]) -> Figure:
    """A column of the runs against density on a log axis; the dotted line is the dense net's mean."""
    figure, ax = new_figure((7.2, 4.4))
    _density_lines(ax, records.runs, column)
    _limit_accuracy(ax, with_dense(records.runs), column)
    _label(ax, DENSITY_LABEL, LABELS[column], trials_note(records.runs, planned))
    return figure


def paper_figure(records: Records, planned: dict[str, int]) -> Figure:
    """The paper's Figure 4: speed and accuracy, of iterative pruning on the left and of one-shot pruning on the right.

    Both sides show the ticket of iterative pruning; of the other arms, those that the records hold. LthError for
    records of several recipes.
    """
    check_one_recipe(records)
    parts = {}
    for title, arms in (("Iterative", ("reinit", "random-mask")), ("One-shot", ("oneshot", "oneshot-reinit"))):
        there = set(records.runs["arm"]) & set(arms)
        parts[title if there else f"{title}: no runs yet"] = records.runs[records.runs["arm"].isin({"ticket", *there})]
    columns = ("early_stop_iteration", "early_stop_test_acc", "final_test_acc")
    return density_grid(parts, columns, trials_note(records.runs, planned))


def density_grid(
    parts: dict[str, pd.DataFrame], columns: Sequence[str], note: str, parts_in_rows: bool = False
) -> Figure:
    """Small panels against density, one for each of `columns` of the runs and each part: a title and the runs it shows.

    Parts stand side by side with a row for each column of the runs, or below each other where `parts_in_rows`. All
    panels share the density axis, and those of the same column of the runs the other one. `note` says what is shown.
    """
    shape = (len(parts), len(columns)) if parts_in_rows else (len(columns), len(parts))
    figure, axes = new_grid(
        (WIDTH, 1.0 + 1.9 * shape[0]), *shape, context="paper", sharex=True, sharey="col" if parts_in_rows else "row"
    )
    handles: dict[str, object] = {}
    for column, row in zip(columns, axes.T if parts_in_rows else axes, strict=True):
        for ax, (title, runs) in zip(row, parts.items(), strict=True):
            _density_lines(ax, runs, column, ticks=4 if shape[1] > 1 else 8)
            handles |= _legend(ax)
            ax.set(xlabel=DENSITY_LABEL if ax in axes[-1] else "", ylabel="")
            if column == columns[0]:
                ax.set_title(title, loc="left", fontsize=9, fontweight="bold")
            if ax in axes[:, 0] or parts_in_rows:
                ax.set_ylabel(fill(LABELS[column], 20))
        shown = [with_dense(runs) for runs in parts.values() if len(runs)]
        if shown:
            _limit_accuracy(row[0], pd.concat(shown), column)
    order = [style.label for style in styles.of_arms().values() if style.label in handles]
    order += [label for label in handles if label not in order]
    figure.legend(
        [handles[label] for label in order], order, loc="outside lower center", ncols=2, frameon=False, fontsize=9
    )
    figure.suptitle(fill(f"{note}; mean and min–max", 84), fontsize=9, color="0.35", x=0.99, ha="right")
    return figure


def _legend(ax: Axes) -> dict[str, object]:
    """The handles of a panel's lines by label; the panel's own legend goes."""
    handles, labels = ax.get_legend_handles_labels()
    if ax.get_legend():
        ax.get_legend().remove()
    return dict(zip(labels, handles, strict=True))


def _density_lines(ax: Axes, runs: pd.DataFrame, column: str, ticks: int = 8) -> None:
    """One line with its envelope for each arm, and the dense net's mean; "no runs yet" where there are none."""
    if runs.empty:
        ax.text(0.5, 0.5, "no runs yet", transform=ax.transAxes, ha="center", color="0.35")
        sns.despine(ax=ax, left=True)
        return
    runs = average_draws(with_dense(runs), [column])
    runs["percent"] = 100 * runs["density"]
    dense = _dense_mean(runs, column)
    _name_arms(runs)
    sns.lineplot(
        runs, x="percent", y=column, hue="arm", style="arm", errorbar=ENVELOPE, ax=ax,
        palette=_by_label(runs, "colour"), markers=_by_label(runs, "marker"), dashes=_by_label(runs, "dash"),
        err_kws={"alpha": 0.15}, linewidth=1.6, markersize=5,
    )  # fmt: skip
    ax.axhline(dense, color="0.35", linestyle=":", linewidth=1.2, label="dense net, mean")
    density_axis(ax, runs["percent"].unique(), ticks)
    ax.yaxis.set_major_formatter(FuncFormatter(percent if column.endswith("_acc") else thousands))
    sns.despine(ax=ax, left=True)


def _dense_mean(runs: pd.DataFrame, column: str) -> float:
    """The mean over trials of the dense networks' `column`."""
    return runs[(runs["arm"] == "ticket") & (runs["level"] == 0)][column].mean()


def _limit_accuracy(ax: Axes, runs: pd.DataFrame, column: str) -> None:
    """End an axis of accuracies a little below the dense net's, where lines go on further down."""
    dense = _dense_mean(runs, column)
    if column.endswith("_acc") and runs[column].min() < dense - BELOW_DENSE:
        ax.set_ylim(dense - BELOW_DENSE, max(runs[column].max(), dense) + 0.05 * BELOW_DENSE)


def _name_arms(frame: pd.DataFrame) -> None:
    """Replace arms by their labels, in the order of lth.arms.ARMS; LthError for an arm without a style."""
    labels = {arm: styles.of_arm(arm).label for arm in frame["arm"].unique()}
    order = [labels[arm] for arm in styles.of_arms() if arm in labels]
    frame["arm"] = pd.Categorical(frame["arm"].map(labels), order)


def _by_label(frame: pd.DataFrame, part: str) -> dict:
    """The colour, marker or dash of the labels that occur in a frame, as seaborn takes them: a solid line is ""."""
    used = set(frame["arm"])
    return {style.label: getattr(style, part) or "" for style in styles.of_arms().values() if style.label in used}


def _label(ax: Axes, x: str, y: str, note: str) -> None:
    """Axis labels, a legend without a frame, and how many trials are shown."""
    ax.set(xlabel=x, ylabel=y)
    ax.legend(title=None, frameon=True, framealpha=0.9, edgecolor="none", fontsize="small")
    ax.set_title(fill(f"{note}; mean and min–max", 80), loc="right", fontsize="small", color="0.35")
    sns.despine(ax=ax, left=True)
