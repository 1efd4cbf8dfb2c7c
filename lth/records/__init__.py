"""Published records of studies, and the finished runs that they are made from."""

from lth.records.published import KEYS, Records, collect, load, load_or_empty, of_finished, publish

__all__ = ["KEYS", "Records", "collect", "load", "load_or_empty", "of_finished", "publish"]
