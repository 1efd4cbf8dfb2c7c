"""Which weights survive pruning: where in the image they sit, and with which value they started."""

import json
from math import isqrt

import numpy as np
import pandas as pd

from lth.errors import LthError


def connections(runs: pd.DataFrame, level: int) -> np.ndarray:
    """The ticket's surviving first-layer connections of every pixel at a level, mean over trials: (side, side).

    LthError where the level is missing, or where the first layer is a convolution or its input no square image.
    """
    counts = np.mean(_of_tickets(runs, level, "input_connections"), axis=0)
    side = isqrt(len(counts))
    if side**2 != len(counts):
        raise LthError(
            f"a mask over {len(counts)} inputs cannot be drawn as an image: only those of a square image with one "
            "channel can, such as LeNet's 784 on MNIST"
        )
    return counts.reshape(side, side)


def relative(counts: np.ndarray) -> np.ndarray:
    """Counts over their mean: 1 where a pixel keeps as many connections as the average pixel of its level."""
    return counts / counts.mean()


def border(side: int, width: int = 4) -> np.ndarray:
    """True within `width` pixels of the edge; in MNIST, digits were scaled to fill the 20 x 20 pixels inside."""
    outside = np.ones((side, side), bool)
    outside[width : side - width, width : side - width] = False
    return outside


def start_counts(runs: pd.DataFrame, level: int) -> dict[str, np.ndarray]:
    """By layer, how many of the tickets' survivors at a level started in each bin, summed over trials: (bins,)."""
    histograms = [json.loads(text) for text in _of_tickets(runs, level, "start_histogram")]
    return {layer: np.sum([of_trial[layer] for of_trial in histograms], axis=0) for layer in histograms[0]}


def coarser(counts: np.ndarray, edges: np.ndarray, factor: int) -> tuple[np.ndarray, np.ndarray]:
    """Counts and edges of bins `factor` times as wide; LthError where that does not divide their number."""
    if len(counts) % factor:
        raise LthError(f"{len(counts)} bins cannot be joined {factor} at a time: choose a divisor of their number")
    return counts.reshape(-1, factor).sum(axis=1), edges[::factor]


def share_within(counts: np.ndarray, edges: np.ndarray, limit: float) -> float:
    """The share of a histogram between -limit and limit, which must be edges of bins."""
    if not np.isclose(edges, limit).any():
        allowed = ", ".join(f"{edge:g}" for edge in edges[edges > 0])
        raise LthError(f"survivors are counted in bins, none of which ends at {limit}: choose one of {allowed}")
    centres = (edges[:-1] + edges[1:]) / 2
    return float(counts[np.abs(centres) < limit].sum() / counts.sum())


def _of_tickets(runs: pd.DataFrame, level: int, column: str) -> list:
    """A column of the tickets at a level, trial by trial; LthError where there is none or where it is empty."""
    tickets = runs[(runs["arm"] == "ticket") & (runs["level"] == level)]
    if tickets.empty:
        raise LthError(f"there is no ticket at level {level}: choose from 0 to {runs['level'].max()}")
    if tickets[column].isna().any():
        raise LthError(f"the records of the recipe {tickets['recipe'].iloc[0]!r} hold no {column.replace('_', ' ')}")
    return tickets[column].to_list()
