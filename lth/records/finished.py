"""What a run leaves. Needs PyTorch and NumPy only: a bare machine trains, another keeps what it has trained."""

from dataclasses import dataclass, field

import numpy as np

from lth.models import Masks, Weights
from lth.training import Moments


@dataclass(frozen=True)
class Finished:
    """What a run leaves: its record (curve, summary with provenance) and, for a chain to go on, its tensors."""

    summary: dict
    curve: dict[str, np.ndarray]
    weights: Weights = field(default_factory=dict, repr=False)
    rewound: Weights = field(default_factory=dict, repr=False)
    masks: Masks = field(default_factory=dict, repr=False)
    moments: Moments | None = field(default=None, repr=False)
