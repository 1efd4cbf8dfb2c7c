"""A reference replication of the Lottery Ticket Hypothesis.

>>> import lth
>>> records = lth.study("lenet", trials=1, levels=3, iterations=1000).run()
>>> records.runs[["arm", "level", "density", "early_stop_iteration"]]

Public names are imported on first use: the core runs where Dask, Numba and pandera are not installed.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from lth import arms, recipes, records, studies
    from lth.arms import ARMS, Arm
    from lth.criteria import criterion
    from lth.datasets.tensors import Data
    from lth.errors import LthError
    from lth.models import build_model
    from lth.recipes import RECIPES, Optimizer, Pruning, Recipe
    from lth.records.tickets import ticket
    from lth.studies.catalogue import STUDIES
    from lth.studies.own import find_tickets
    from lth.studies.parameters import study

__version__ = "0.1.0"
_HOMES = {
    "ARMS": "lth.arms",
    "Arm": "lth.arms",
    "Data": "lth.datasets.tensors",
    "LthError": "lth.errors",
    "Optimizer": "lth.recipes",
    "Pruning": "lth.recipes",
    "RECIPES": "lth.recipes",
    "Recipe": "lth.recipes",
    "STUDIES": "lth.studies",
    "build_model": "lth.models",
    "criterion": "lth.criteria",
    "find_tickets": "lth.studies.own",
    "study": "lth.studies",
    "ticket": "lth.records.tickets",
}
_MODULES = ("arms", "records", "recipes", "studies")
__all__ = [
    "ARMS",
    "RECIPES",
    "STUDIES",
    "Arm",
    "Data",
    "LthError",
    "Optimizer",
    "Pruning",
    "Recipe",
    "arms",
    "build_model",
    "criterion",
    "find_tickets",
    "recipes",
    "records",
    "studies",
    "study",
    "ticket",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name]), name)
    if name in _MODULES:
        return import_module(f"lth.{name}")
    raise AttributeError(f"module 'lth' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*__all__, "__version__"])
