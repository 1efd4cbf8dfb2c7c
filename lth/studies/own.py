"""The door for one's own question: tickets of one's own network, on one's own images, by one's own criterion."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from torch import nn

from lth.data import TrialData, split
from lth.datasets import loading
from lth.datasets.tensors import Data, prepared
from lth.engines import choose
from lth.engines.gradients import LossGradients
from lth.errors import LthError, check_positive
from lth.lottery import TICKET, Chain, Job, walk
from lth.names import name_of
from lth.paths import commit
from lth.recipes import RECIPES, Recipe
from lth.records import Records, of_finished
from lth.records.store import Finished
from lth.running import checks
from lth.running.worker import execute
from lth.studies.deviations import rules
from lth.studies.parameters import parse_arms
from lth.studies.sources import identified, on, with_sources


def find_tickets(
    network: str | Callable[[], nn.Module] | None = None,
    data: str | Data | None = None,
    recipe: Recipe | str = "lenet",
    levels: int = 5,
    arms: str = "ticket,reinit",
    trials: int = 1,
    *,
    root_seed: int = 0,
    engine: str = "auto",
    device: str = "cpu",
    progress: bool = True,
) -> Records:
    """Find tickets of one's own network on one's own data, in this process, and return their records.

    Arguments:
        network: a class or function that makes an nn.Module, or a name such as "fc-500-200"; the recipe's if None.
        data: tensors (see lth.Data), or the name of a data set that `lth data` fetches; the recipe's if None.
        recipe: how it is trained and pruned: a Recipe, such as `lth.RECIPES["lenet"].but(iterations=3000)`, or a name.
        levels: pruning rounds; levels 0 to `levels` are trained.
        arms: such as "ticket,reinit:3" (three draws of fresh weights in every trial).
        trials: independent repetitions, each with a split, initialisation and data order of its own.
        root_seed: another one gives other trials.
        engine: the program that trains; "auto" takes the fastest that can (see lth.engines).
        device: "cpu" or "cuda".
        progress: whether to show how far it is.

    Returns records with the tables `curves` (a row a measurement) and `runs` (a row a run). Nothing is written to disk.
    Raises LthError where network, data, criterion and recipe do not fit each other.
    """
    for what, value in (("levels", levels), ("trials", trials)):
        check_positive(what, value, 1000)
    draws = {"ticket": 1} | parse_arms(arms)
    asked, load = _asked(network, data, recipe)
    name = name_of(asked.model)
    chains = [
        Chain(asked, trial, levels, tuple(draws.items()), root_seed=root_seed, engine=engine, rules=rules(asked))
        for trial in range(trials)
    ]
    choose(asked, 1.0, engine, device)
    checks.check(chains[0])

    trained_at = commit()

    def train(job: Job) -> Finished:
        return execute([job], device, trained_at, load)[0]

    def gradients(chain: Chain) -> LossGradients:
        head = chain.head_run(TICKET, 0)
        return LossGradients(head.recipe, lambda: load(head.recipe, head.split()))

    finished = (run for chain in chains for _, run in walk(chain, train, gradients(chain)))
    total = sum(len(chain.runs()) for chain in chains)
    return of_finished(name, list(_shown(finished, total, name) if progress else finished))


def _asked(
    network: str | Callable[[], nn.Module] | None, data: str | Data | None, recipe: Recipe | str
) -> tuple[Recipe, Callable[[Recipe, torch.Generator], TrialData]]:
    """The recipe for this network and these data, and what loads a trial's data for it."""
    if isinstance(recipe, str):
        if recipe not in RECIPES:
            raise LthError(f"unknown recipe {recipe!r}: choose one of {', '.join(RECIPES)}, or give an lth.Recipe")
        recipe = RECIPES[recipe]
    if not isinstance(recipe, Recipe):
        raise LthError(f"recipe must be an lth.Recipe or a name, not {type(recipe).__name__}")
    if network is not None:
        if not (isinstance(network, str) or callable(network)) or isinstance(network, nn.Module):
            raise LthError(
                f"network must be a class or function that makes an nn.Module, or a name, not "
                f"{type(network).__name__}: each trial and arm starts from weights of its own"
            )
        recipe = replace(recipe, model=network)
    if isinstance(data, Data):
        asked = with_sources(on(recipe, data))
        images, test = prepared(data, asked.preprocessing)
        return asked, lambda wanted, generator: split(data.name, images, test, wanted, generator)
    if data is not None:
        if not isinstance(data, str):
            raise LthError(f"data must be an lth.Data or the name of a data set, not {type(data).__name__}")
        recipe = replace(recipe, dataset=data)
    return loading.as_found(identified(recipe)), loading.load


def _shown(finished: Iterable[Finished], total: int, name: str) -> Iterator[Finished]:
    """The same runs, with a bar that says how many of them there are yet to come."""
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield from bar.track(finished, total=total, description=name)
