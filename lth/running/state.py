"""How far the runs of a study are, read from the disk."""

import sys
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from lth import records
from lth.lottery import Chain
from lth.records import Records, store
from lth.runs import Run


class Declared(Protocol):
    """What is completed: a study."""

    @property
    def name(self) -> str:
        """Under which it is published."""

    def chains(self) -> list[Chain]:
        """One for every recipe and trial."""


@dataclass(frozen=True)
class State:
    """How far the runs of a study are, read from the disk once: which are published, and which are kept."""

    name: str
    runs: tuple[Run, ...]
    records: Records
    kept: frozenset[str]  # keys of finished runs

    @cached_property
    def published(self) -> list[Run]:
        """The runs whose records are published."""
        there = set(self.records.runs["key"])
        return [run for run in self.runs if run.key in there]

    @cached_property
    def missing(self) -> list[Run]:
        """The runs that are neither published nor kept."""
        done = set(self.records.runs["key"]) | self.kept
        return [run for run in self.runs if run.key not in done]


def of(study: Declared) -> State:
    """How far the runs of a study are."""
    runs = tuple(run for chain in study.chains() for run in chain.runs())
    return State(study.name, runs, records.load_or_empty(study.name), frozenset(store.keys()))


def verified(study: Declared) -> State:
    """How far the runs of a study are, after its kept runs have been read: the corrupt are named and set aside."""
    current = of(study)
    for problem in store.verify(run.key for run in current.runs if run.key in current.kept):
        print(problem, file=sys.stderr)
    return replace(current, kept=frozenset(store.keys()))
