"""Figures of the weights that survive pruning: where in the image they sit, and with which value they started."""

import math
from collections.abc import Sequence
from itertools import cycle

import matplotlib as mpl
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure

from lth.report.axes import WIDTH, density_axis, new_figure, new_grid
from lth.report.selections import density_at
from lth.report.survivors.counts import coarser, connections, relative, start_counts

MOST = 2.5  # where the colour scale ends: a pixel with as many times the connections of the average one
JOINED = 2  # bins of the records joined into one, so that sparse levels are not all noise
DASHES = ("-", (0, (5, 2)), (0, (2, 1.5)), (0, (6, 1.5, 1, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1, 1, 1)))


def pixel_maps(runs: pd.DataFrame, levels: Sequence[int], note: str) -> Figure:
    """Images of the tickets' surviving first-layer connections per pixel, over the average pixel of each level."""
    columns = min(2, len(levels))
    rows = math.ceil(len(levels) / columns)
    figure, axes = new_grid((WIDTH, 0.8 + 2.5 * rows), rows, columns, context="paper")
    for ax in axes.flat:
        ax.set_axis_off()
    for ax, level in zip(axes.flat, levels, strict=False):
        counts = connections(runs, level)
        image = ax.imshow(relative(counts), cmap="viridis", vmin=0, vmax=MOST, interpolation="nearest")
        mean = f"{counts.mean():.0f}" if counts.mean() >= 10 else f"{counts.mean():.1f}"
        ax.set_title(f"{density_at(runs, level):.1%} of weights left\n{mean} connections per pixel", fontsize=9)
    bar = figure.colorbar(image, ax=axes, location="bottom", extend="max", aspect=40, pad=0.02)
    bar.set_label("connections of a pixel / mean of the level", fontsize=9)
    bar.outline.set_visible(False)
    figure.suptitle(note, fontsize=9, color="0.35", x=0.99, ha="right")
    return figure


def zones(densities: Sequence[float], lines: dict[str, Sequence[float]], note: str) -> Figure:
    """Relative connections of some zones of the image against density (0-1): a line for each zone; 1 is the average."""
    figure, ax = new_figure((WIDTH, 3.6), context="paper")
    percents = [100 * density for density in densities]
    palette = sns.color_palette("colorblind")
    for (name, values), colour, marker, dash in zip(lines.items(), palette, "os^Dv", DASHES, strict=False):
        ax.plot(percents, values, color=colour, marker=marker, markersize=4, linestyle=dash, linewidth=1.6, label=name)
    ax.axhline(1, color="0.35", linestyle=":", linewidth=1.2, label="average pixel")
    density_axis(ax, percents)
    ax.set(xlabel="weights left (%, log scale)", ylabel="connections / mean of the level", ylim=(0, None))
    ax.legend(title=None, frameon=True, framealpha=0.9, edgecolor="none")
    ax.set_title(note, loc="right", fontsize=9, color="0.35")
    sns.despine(ax=ax, left=True)
    return figure


def start_distributions(runs: pd.DataFrame, levels: Sequence[int], edges: np.ndarray, note: str) -> Figure:
    """The survivors' initial values at some levels, as densities with area 1: a panel for each layer.

    `edges` are those of the records' bins, in standard deviations; the outer bins hold what lies beyond them.
    """
    counts = {level: start_counts(runs, level) for level in levels}
    layers = list(counts[levels[0]])
    figure, axes = new_grid((WIDTH, 0.9 + 1.9 * len(layers)), len(layers), 1, context="paper", sharex=True)
    colours = mpl.colormaps["viridis"](np.linspace(0, 0.85, len(levels)))
    for ax, layer in zip(axes[:, 0], layers, strict=True):
        for level, colour, dash in zip(levels, colours, cycle(DASHES), strict=False):
            joined, joined_edges = coarser(counts[level][layer], edges, JOINED)
            centres = (joined_edges[:-1] + joined_edges[1:]) / 2
            name = f"{density_at(runs, level):.1%} of weights left"
            heights = joined / joined.sum() / np.diff(joined_edges)
            ax.plot(centres, heights, color=colour, linestyle=dash, linewidth=1.6, label=name)
        ax.set_title(layer.removesuffix(".weight"), loc="left", fontsize=9, fontweight="bold")
        ax.set(ylabel="share per\nstandard deviation", ylim=(0, None))
        sns.despine(ax=ax, left=True)
    axes[-1, 0].set_xlabel("initial value (standard deviations of Gaussian Glorot)")
    handles, names = axes[0, 0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.suptitle(note, fontsize=9, color="0.35", x=0.99, ha="right")
    return figure
