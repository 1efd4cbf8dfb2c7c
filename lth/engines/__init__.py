"""The programs that train: which there are, and which one suits a run."""

from collections.abc import Callable
from functools import partial

import torch

from lth.engines.stacked import Stacked
from lth.errors import LthError, check_choice
from lth.recipes import Recipe
from lth.training import EngineFactory

ENGINES: dict[str, Callable] = {"stacked": Stacked}
CHOICES = ("auto", *ENGINES)


def check_device(device: str) -> None:
    """Raise LthError unless `device` ("cpu" or "cuda") is there."""
    check_choice("device", device, ("cpu", "cuda"))
    if device == "cuda" and not torch.cuda.is_available():
        raise LthError("this machine has no CUDA device that PyTorch can use: ask for the device cpu")


def choose(recipe: Recipe, density: float, name: str = "auto", device: str = "cpu") -> tuple[str, EngineFactory]:
    """The engine for a run of this density, by name and as a factory; LthError where a forced one does not fit."""
    check_choice("engine", name, CHOICES)
    check_device(device)
    return "stacked", partial(Stacked, device=device)
