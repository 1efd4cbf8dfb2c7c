"""What identifies a run, the key that hashes it, and the random streams that belong to it."""

import hashlib
import json
from dataclasses import dataclass
from functools import cached_property

import torch

from lth.arms import ARMS
from lth.errors import check_choice, check_whole
from lth.names import name_of
from lth.recipes import Pruning, Recipe


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

    def __post_init__(self) -> None:
        check_choice("arm", self.arm, ARMS)
        for name in ("trial", "draw", "level", "root_seed"):
            check_whole(name.replace("_", " "), getattr(self, name))

    @cached_property
    def spec(self) -> str:
        """The whole specification as canonical JSON."""
        return json.dumps(specification(self), sort_keys=True)

    @cached_property
    def key(self) -> str:
        """SHA-256 of the specification: the name under which the run is kept."""
        return hashlib.sha256(self.spec.encode()).hexdigest()

    def split(self) -> torch.Generator:
        """The stream of the split into training and validation images, which all runs of a trial share."""
        apart = self.recipe.split_per_arm and self.arm != "ticket"
        return stream(self.root_seed, self.trial, "split", self.arm if apart else "")

    def stream(self, purpose: str) -> torch.Generator:
        """This run's own random stream for `purpose` ("order", "initialisation", "mask", …)."""
        return stream(self.root_seed, self.trial, purpose, self.arm, self.draw, self.level)


def specification(run: Run) -> dict:
    """Everything that determines a run's result, by the names under which published records have it.

    The key of every record is a hash of this: a name that changes here orphans them, so fields of the classes may be
    renamed, and these names may not. What came later is left out where it has the value that records before it had.
    """
    arm = ARMS[run.arm]
    own = {"arm_is": {"mask": arm.mask, "start": name_of(arm.start), "source": arm.source}} if arm.source else {}
    return {
        "arm": run.arm,
        "trial": run.trial,
        "draw": run.draw,
        "level": run.level,
        "root_seed": run.root_seed,
        "engine": run.engine,
        "recipe": recipe_specification(run.recipe),
    } | own


def recipe_specification(recipe: Recipe) -> dict:
    """The part of a specification that all runs of one recipe share. Shape and classes follow from the data set."""
    optimizer = recipe.optimizer
    later = {
        "copy": (recipe.copy, ""),
        "drift_at": (recipe.drift_at, ()),
        "steps_at": (recipe.steps_at, ()),
        "initial_std": (recipe.initial_std, None),
        "carry_optimizer": (recipe.carry_optimizer, False),
        "split_per_arm": (recipe.split_per_arm, False),
        "resume_level": (recipe.resume_level, 0),
        "sources": (recipe.sources, ()),
        "corruption": (recipe.corruption, ""),
        "masks_from": (recipe.masks_from and recipe_specification(recipe.masks_from), None),
    }
    return {
        "name": recipe.name,
        "model": name_of(recipe.model),
        "dataset": name_of(recipe.dataset),
        "preprocessing": recipe.preprocessing,
        "optimizer": {
            "name": optimizer.name,
            "learning_rate": optimizer.learning_rate,
            "momentum": optimizer.momentum,
            "weight_decay": optimizer.weight_decay,
            "milestones": optimizer.milestones,
            "warmup": optimizer.warmup,
        },
        "pruning": _pruning_specification(recipe.pruning),
        "batch_size": recipe.batch_size,
        "iterations": recipe.iterations,
        "rewind": recipe.rewind,
        "validation_size": recipe.validation_size,
        "augment": recipe.augment,
        "eval_every": recipe.eval_every,
        "train_eval_every": recipe.train_eval_every,
        "train_eval_size": recipe.train_eval_size,
    } | _unless_as_before(later)


def _pruning_specification(pruning: Pruning) -> dict:
    later = {
        "biases": (pruning.biases, False),
        "lag": (pruning.lag, 0),
        "inverted": (pruning.inverted, False),
        "frozen": (pruning.frozen, False),
    }
    return {
        "scope": pruning.scope,
        "criterion": name_of(pruning.criterion),
        "convolution": pruning.convolution,
        "linear": pruning.linear,
        "output": pruning.output,
    } | _unless_as_before(later)


def _unless_as_before(later: dict[str, tuple]) -> dict:
    """The values that differ from what records had before the name existed."""
    return {name: value for name, (value, before) in later.items() if value != before}


def stream(root_seed: int, trial: int, purpose: str, arm: str = "", draw: int = 0, level: int = 0) -> torch.Generator:
    """A generator seeded by a hash of its arguments, so that no stream shifts another.

    What all runs of a trial share (the split, the original initialisation) has no arm, draw or level. PyTorch's
    generator uses 32 bits of the seed; a test makes sure that no two streams of a study collide.
    """
    text = json.dumps([root_seed, trial, purpose, arm, draw, level])
    seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big") >> 1
    return torch.Generator().manual_seed(seed)
