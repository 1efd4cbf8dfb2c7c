"""A reference replication of the Lottery Ticket Hypothesis.

>>> import lth
>>> records = lth.study("lenet", trials=1, levels=3, iterations=1000).run()
>>> records.runs[["arm", "level", "density", "early_stop_iteration"]]
"""

from importlib import import_module

_HOMES = {"RECIPES": "recipes", "STUDIES": "studies", "build_model": "models", "study": "studies"}
__all__ = sorted(_HOMES)


def __getattr__(name: str):
    """Public names are imported on first use: the core must run where Dask and pandera are not installed."""
    if name in _HOMES:
        return getattr(import_module(f"lth.{_HOMES[name]}"), name)
    if name in ("records", "recipes", "studies"):
        return import_module(f"lth.{name}")
    raise AttributeError(f"module 'lth' has no attribute {name!r}")
