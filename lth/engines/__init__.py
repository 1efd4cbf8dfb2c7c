"""The programs that train: which there are, and which one suits a run."""

from functools import partial
from importlib.util import find_spec

import torch

from lth.errors import LthError, check_choice
from lth.models import FullyConnected, skeleton
from lth.recipes import Recipe
from lth.training import EngineFactory

CHOICES = ("auto", "dense", "sparse", "stacked")
DEVICES = ("cpu", "cuda")
CROSSOVER = 0.9  # the density below which the sparse engine is the faster one: see the chapter "What a ticket costs"


def check_device(device: str) -> None:
    """Raise LthError unless `device` is one of DEVICES and is there."""
    check_choice("device", device, DEVICES)
    if device == "cuda" and not torch.cuda.is_available():
        raise LthError("this machine has no CUDA device that PyTorch can use: ask for the device cpu")


def choose(recipe: Recipe, density: float, name: str = "auto", device: str = "cpu") -> tuple[str, EngineFactory]:
    """The engine for a run of this density, by name and as a factory; LthError where a forced one does not fit."""
    check_choice("engine", name, CHOICES)
    check_device(device)
    frozen = recipe.pruning.frozen
    fits = device == "cpu" and find_spec("numba") is not None and _fully_connected(recipe)
    if name == "auto":
        name = ("sparse" if density < CROSSOVER and not frozen else "dense") if fits else "stacked"
    if name == "stacked":
        from lth.engines.stacked import Stacked

        return name, partial(Stacked, device=device)
    if not fits:
        raise LthError(
            f"the engine {name!r} trains fully connected nets with plain Adam on the CPU, with Numba, "
            f"not the recipe {recipe.name!r} on {device}: choose auto or stacked"
        )
    if name == "dense":
        from lth.engines.dense import Dense

        return name, Dense
    if frozen:
        raise LthError(
            f"the engine 'sparse' has no pruned weights, which the recipe {recipe.name!r} keeps at their start: choose "
            f"auto, dense or stacked"
        )
    from lth.engines.sparse import Sparse

    return name, Sparse


def _fully_connected(recipe: Recipe) -> bool:
    """Whether the recipe is one for the CPU engines: a stack of linear layers, Adam, images as bytes."""
    plain_adam = recipe.optimizer.name == "adam" and not recipe.optimizer.weight_decay
    as_bytes = recipe.preprocessing != "none" and not recipe.augment
    return plain_adam and as_bytes and type(skeleton(recipe)) is FullyConnected
