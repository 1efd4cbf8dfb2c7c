"""What identifies a run, the key that hashes it, and the random streams that belong to it."""

import hashlib
import json
from dataclasses import dataclass, fields, is_dataclass
from functools import cached_property

import torch

from lth.arms import ARMS
from lth.errors import check_choice
from lth.recipes import Recipe


@dataclass(frozen=True)
class Run:
    """One training of one network."""

    recipe: Recipe
    arm: str
    trial: int
    draw: int = 0
    level: int = 0
    root_seed: int = 0
    engine: str = "auto"

    def __post_init__(self):
        check_choice("arm", self.arm, ARMS)

    @cached_property
    def spec(self) -> str:
        """The whole specification as canonical JSON; optional fields are left out at their default."""
        return json.dumps(_plain(self), sort_keys=True)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the specification: the name under which the run is kept."""
        return hashlib.sha256(self.spec.encode()).hexdigest()

    def split(self) -> torch.Generator:
        """The stream of the split into training and validation images, which all runs of a trial share."""
        apart = self.recipe.split_per_arm and self.arm != "ticket"
        return stream(self.root_seed, self.trial, "split", self.arm if apart else "")

    def stream(self, purpose: str) -> torch.Generator:
        """This run's own random stream for `purpose` ("order", "augmentation", "initialisation", "mask")."""
        return stream(self.root_seed, self.trial, purpose, self.arm, self.draw, self.level)


def _plain(value):
    """A dataclass as a dictionary, without optional fields that have their default."""
    if not is_dataclass(value):
        return value
    stored = ((f, getattr(value, f.name)) for f in fields(value))
    return {f.name: _plain(v) for f, v in stored if not (f.metadata.get("optional") and v == f.default)}


def stream(root_seed: int, trial: int, purpose: str, arm: str = "", draw: int = 0, level: int = 0) -> torch.Generator:
    """A generator seeded by a hash of its arguments, so that none shifts another.

    Of a seed torch's generator uses 32 bits; that no two streams of a study share them is tested. What all runs of a
    trial share (the split, the original initialisation) has no arm, draw or level.
    """
    text = json.dumps([root_seed, trial, purpose, arm, draw, level])
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(seed)
