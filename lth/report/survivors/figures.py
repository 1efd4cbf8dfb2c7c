"""Figures of the weights that survive pruning: where in the image they sit, and with which value they started."""

from collections.abc import Iterable

import numpy as np
import pandas as pd
from matplotlib.figure import Figure

from lth.records.selections import density_at
from lth.report import axes, styles
from lth.report.survivors.counts import coarser, connections, relative, start_counts

MOST = 2.5  # where the colour scale ends: a pixel with as many times the connections of the average one
JOINED = 2  # bins of the records joined into one, so that sparse levels are not all noise


def maps_frame(runs: pd.DataFrame, levels: Iterable[int]) -> pd.DataFrame:
    """The tickets' surviving connections of every pixel over the average pixel's: columns panel, row, column, value."""
    frames = []
    for level in levels:
        counts = connections(runs, level)
        rows, columns = np.indices(counts.shape)
        mean = f"{counts.mean():.3g}"
        frames.append(
            pd.DataFrame(
                {
                    "panel": f"{density_at(runs, level):.1%} of weights, {mean} a pixel",
                    "row": rows.ravel(),
                    "column": columns.ravel(),
                    "value": relative(counts).ravel(),
                }
            )
        )
    return pd.concat(frames)


def maps(frame: pd.DataFrame) -> list[Figure]:
    """An image for each panel of `maps_frame`, on one colour scale, which the last one shows."""
    figures = []
    titles = list(frame["panel"].unique())
    for title in titles:
        pixels = frame[frame["panel"] == title].pivot(index="row", columns="column", values="value").to_numpy()
        figure, ax = axes.new_panel(title, (axes.PANEL[0], 3.3))
        image = ax.imshow(pixels, cmap="viridis", vmin=0, vmax=MOST, interpolation="nearest")
        ax.set_axis_off()
        with axes.style():
            bar = figure.colorbar(image, ax=ax, location="bottom", aspect=40, pad=0.02)
            bar.set_label(f"connections / average pixel ({MOST:g} and more)")
        bar.outline.set_visible(False)
        figures.append(figure)
    return figures


def starts_frame(runs: pd.DataFrame, levels: Iterable[int], edges: np.ndarray) -> pd.DataFrame:
    """The survivors' initial values at some levels, as densities with area 1: columns panel (layer), note, x, mean.

    `edges` are those of the records' bins, in standard deviations; the outer bins hold what lies beyond them.
    """
    frames = []
    for level in levels:
        for layer, counts in start_counts(runs, level).items():
            joined, joined_edges = coarser(counts, edges, JOINED)
            frames.append(
                pd.DataFrame(
                    {
                        "panel": layer.removesuffix(".weight"),
                        "note": f"{density_at(runs, level):.1%}",
                        "x": (joined_edges[:-1] + joined_edges[1:]) / 2,
                        "mean": joined / joined.sum() / np.diff(joined_edges),
                    }
                )
            )
    return pd.concat(frames)


def starts(frame: pd.DataFrame) -> list[Figure]:
    """A panel for each layer of `starts_frame`, with a line for each level."""
    figures = []
    for layer, lines in frame.groupby("panel", sort=False):
        figure, ax = axes.new_panel(f"Layer {layer}")
        for (note, line), (colour, marker, dash) in zip(lines.groupby("note", sort=False), styles.LOOKS, strict=False):
            style = styles.Style(f"{note} left", colour, marker, dash)
            ax.plot(
                line["x"], line["mean"], color=colour, linestyle=style.linestyle, label=style.label,
                marker=marker, markevery=6, markeredgewidth=0,
            )  # fmt: skip
        ax.set(xlabel="initial value (standard deviations)", ylabel="share per deviation", ylim=(0, None))
        axes.legend_above(figure, ax)
        figures.append(figure)
    return figures
