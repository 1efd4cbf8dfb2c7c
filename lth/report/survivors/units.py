"""A figure of single hidden units: which pixels they are still connected to, level by level."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
from matplotlib.colors import BoundaryNorm
from matplotlib.figure import Figure

from lth.report import axes, styles

COLUMNS = 4  # images side by side in a panel
GONE = -1.0  # of a connection that no level shown has


def frame(masks: Mapping[float, np.ndarray], shown: int = 8) -> pd.DataFrame:
    """When some hidden units lose their connections to the pixels, a row a connection.

    masks: for each percentage of the weights left, from the largest down, which connections of the first layer are
        there, bool (units, height, width); every mask is part of the one before.
    shown: how many units: those at equal steps from the most connected one at the end to the least connected.

    Columns panel (the unit, and its connections at the end), row, column, and value: the lowest of the percentages at
    which the connection is there, GONE where it is at none.
    """
    percents = sorted(masks, reverse=True)
    counts = masks[percents[-1]].sum(axis=(1, 2))
    order = np.argsort(-counts, kind="stable")
    chosen = order[np.linspace(0, len(order) - 1, shown).round().astype(int)]
    until = np.full(masks[percents[0]].shape, GONE)
    for percent in percents:
        until[masks[percent]] = percent
    rows, columns = np.indices(until.shape[1:])
    return pd.concat(
        pd.DataFrame(
            {
                "panel": f"unit {unit}: {counts[unit]} left",
                "row": rows.ravel(),
                "column": columns.ravel(),
                "value": until[unit].ravel(),
            }
        )
        for unit in chosen
    )


def maps(frame: pd.DataFrame) -> list[Figure]:
    """The images of `frame` in a single panel, darker the longer a connection lasts."""
    titles = list(frame["panel"].unique())
    percents = sorted(set(frame["value"]) - {GONE}, reverse=True)
    steps = {GONE: np.nan} | {percent: float(number) for number, percent in enumerate(percents)}
    figure, first = axes.new_panel(size=(2 * axes.PANEL[0], 4.6))
    grid = first.get_subplotspec().subgridspec(-(-len(titles) // COLUMNS), COLUMNS)
    first.remove()
    norm = BoundaryNorm(np.arange(len(percents) + 1) - 0.5, 256)
    with axes.style():
        drawn = [figure.add_subplot(grid[place]) for place in np.ndindex(grid.get_geometry())]
        for ax, title in zip(drawn, titles, strict=False):
            pixels = frame[frame["panel"] == title].pivot(index="row", columns="column", values="value").map(steps.get)
            image = ax.imshow(pixels.to_numpy(), cmap="Greys", norm=norm, interpolation="nearest")
            ax.set_title(title, fontsize=8, fontweight="normal")
        for ax in drawn:
            ax.set(xticks=[], yticks=[])
        bar = figure.colorbar(image, ax=drawn, location="bottom", aspect=50, pad=0.02, ticks=range(len(percents)))
        bar.ax.set_xticklabels([f"{percent:.3g}%" for percent in percents])
        bar.set_label("still there with this much of the weights left", color=styles.INK)
        bar.outline.set_visible(False)
        bar.solids.set_rasterized(True)  # as the images are: its greys are not exchanged on dark paper
    return [figure]
