"""The programs that train: which there are, and which one suits a run."""

from functools import lru_cache, partial
from importlib.util import find_spec

import torch

from lth.engines._tracing import Layer, trace
from lth.errors import LthError, check_choice
from lth.models import FullyConnected, skeleton
from lth.recipes import Recipe
from lth.training import EngineFactory

CHOICES = ("auto", "dense", "sparse", "stacked")
DEVICES = ("cpu", "cuda")
# The densities below which the sparse engines are the faster ones, for stacks of linear layers and for networks with
# convolutions: measured, see the chapter "What a ticket costs" and benchmarks/README.md.
CROSSOVER = 0.9
CONVOLUTIONS_CROSSOVER = 0.4


def check_device(device: str) -> None:
    """Raise LthError unless `device` is one of DEVICES and is there."""
    check_choice("device", device, DEVICES)
    if device == "cuda" and not torch.cuda.is_available():
        raise LthError("this machine has no CUDA device that PyTorch can use: ask for the device cpu")


def choose(recipe: Recipe, density: float, name: str = "auto", device: str = "cpu") -> tuple[str, EngineFactory]:
    """The engine for a run of this density, by name and as a factory; LthError where a forced one does not fit."""
    check_choice("engine", name, CHOICES)
    check_device(device)
    if name == "auto":
        name = _fastest(recipe, density, device)
    if name == "stacked":
        from lth.engines.stacked import Stacked

        return name, partial(Stacked, device=device)
    linear = _fully_connected(recipe)
    if not _compiles(device) or (name == "dense" and not linear):
        trained = "networks of known layers" if name == "sparse" else "fully connected nets with plain Adam"
        raise LthError(
            f"the engine {name!r} trains {trained} on the CPU, with Numba, "
            f"not the recipe {recipe.name!r} on {device}: choose auto or stacked"
        )
    if name == "dense":
        from lth.engines.dense import Dense

        return name, Dense
    if recipe.pruning.frozen:
        raise LthError(
            f"the engine 'sparse' has no pruned weights, which the recipe {recipe.name!r} keeps at their start: choose "
            f"auto, dense or stacked"
        )
    if linear:
        from lth.engines.sparse import Sparse

        return name, Sparse
    from lth.engines.convolutions import Convolutions

    trace(skeleton(recipe), recipe.shape)
    return name, Convolutions


def _fastest(recipe: Recipe, density: float, device: str) -> str:
    """The name of the engine that takes the least time for a run of this density."""
    if not _compiles(device):
        return "stacked"
    if _fully_connected(recipe):
        return "sparse" if density < CROSSOVER and not recipe.pruning.frozen else "dense"
    if recipe.pruning.frozen:
        return "stacked"
    return "sparse" if density < CONVOLUTIONS_CROSSOVER and _convolves(recipe) else "stacked"


def _compiles(device: str) -> bool:
    """Whether the engines that compile their loops can run."""
    return device == "cpu" and find_spec("numba") is not None


@lru_cache(maxsize=64)
def _convolves(recipe: Recipe) -> bool:
    """Whether it is a network with convolutions that the sparse engine knows."""
    try:
        _, steps, _ = trace(skeleton(recipe), recipe.shape)
    except LthError:
        return False
    return any(isinstance(step, Layer) and step.shape[1:] != (1, 1) for step in steps)


def _fully_connected(recipe: Recipe) -> bool:
    """Whether the recipe is one for the CPU engines: a stack of linear layers, Adam, images as bytes."""
    plain_adam = recipe.optimizer.name == "adam" and not recipe.optimizer.weight_decay
    as_bytes = recipe.preprocessing != "none" and not recipe.augment
    return plain_adam and as_bytes and type(skeleton(recipe)) is FullyConnected
