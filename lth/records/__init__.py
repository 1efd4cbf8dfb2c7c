"""Published records of studies, and the finished runs that they are made from."""

from importlib import import_module
from typing import Any

__all__ = ["KEYS", "Records", "collect", "columns", "load", "load_or_empty", "of_finished", "publish"]


def __getattr__(name: str) -> Any:
    """Public names are imported on first use: `lth status` reads records without PyTorch and pandera."""
    if name in __all__:
        return getattr(import_module("lth.records.published"), name)
    raise AttributeError(f"module 'lth.records' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
