"""What a run leaves. Needs PyTorch and NumPy only: a bare machine trains, another keeps what it has trained."""

import math
from dataclasses import dataclass, field

import numpy as np
import torch

from lth.lottery import Job
from lth.models import Masks, Weights
from lth.training import Moments

HISTOGRAM_BINS = np.linspace(-4, 4, 65)  # of starting values, in standard deviations of Gaussian Glorot


@dataclass(frozen=True)
class Finished:
    """What a run leaves: its record (curve, summary with provenance) and, for a chain to go on, its tensors."""

    summary: dict
    curve: dict[str, np.ndarray]
    weights: Weights = field(default_factory=dict, repr=False)
    rewound: Weights = field(default_factory=dict, repr=False)
    masks: Masks = field(default_factory=dict, repr=False)
    moments: Moments | None = field(default=None, repr=False)


def start_histogram(job: Job) -> dict[str, list[int]]:
    """Per layer, how many survivors start where, in HISTOGRAM_BINS; the outer bins take what lies beyond them."""
    return {name: _histogram(job.weights, name, mask) for name, mask in job.masks.items() if mask.dim() > 1}


def _histogram(weights: Weights, name: str, mask: torch.Tensor) -> list[int]:
    outputs, inputs, *window = mask.shape
    fans = (inputs + outputs) * math.prod(window)  # fan in and fan out together
    starts = weights[name][mask].double().numpy() / np.sqrt(2 / fans)
    inside = np.clip(starts, HISTOGRAM_BINS[0], HISTOGRAM_BINS[-1])
    return np.histogram(inside, HISTOGRAM_BINS)[0].tolist()
