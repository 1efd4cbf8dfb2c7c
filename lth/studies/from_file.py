"""A study of one's own as a TOML file: a recipe, arms and trials, with networks, criteria and data by importable name.

    levels = 5
    trials = 3
    arms = "ticket,reinit"

    [recipe]                      # one table, or several as [[recipe]]
    base = "lenet"                # a row of Table 1; what follows differs from it
    network = "my_module:Net"     # or a name such as "fc-500-200"
    data = "my_module:data"       # or the name of a data set
    iterations = 3000

    [recipe.pruning]
    criterion = "my_module:score"

Modules are looked for beside the file too.
"""

import difflib
import importlib
import importlib.util
import re
import sys
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import fields, replace
from pathlib import Path
from typing import Any

from lth.datasets import loading
from lth.datasets.catalogue import DATA_SETS
from lth.errors import LthError, check_choice, check_positive, check_whole
from lth.paths import content_of
from lth.recipes import RECIPES, Optimizer, Pruning, Recipe
from lth.studies.study import Grid, Study

TOP = ("name", "levels", "trials", "arms", "root_seed", "engine", "recipe")
NOT_IN_FILES = {"model", "dataset", "optimizer", "pruning", "shape", "classes", "sources", "copy", "masks_from"}
RECIPE = (
    "base",
    "network",
    "data",
    "optimizer",
    "pruning",
    *(field.name for field in fields(Recipe) if field.name not in NOT_IN_FILES),
)


def read(path: Path, parse_arms: Callable[[str], dict[str, int]]) -> Study:
    """The study that a TOML file declares; LthError, in one sentence, where anything in it is not as it must be."""
    try:
        content = tomllib.loads(content_of(path).decode())
    except FileNotFoundError as error:
        raise LthError(f"there is no {path}: give the path of a TOML file, or the name of a study") from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LthError(f"{path} cannot be read as TOML: {error}") from error
    where = path.name
    _check_keys(where, content, TOP)
    name = content.get("name", path.stem)
    if not isinstance(name, str) or not re.fullmatch("[a-z0-9][a-z0-9-]{0,60}", name):
        raise LthError(f"{where}: the name of a study must be of small letters, digits and hyphens, not {name!r}")
    if "recipe" not in content:
        raise LthError(f'{where} declares no [recipe]: give at least its base, such as base = "lenet"')
    tables = content["recipe"]
    tables = tables if isinstance(tables, list) else [tables]
    folder = str(path.resolve().parent)
    if folder not in sys.path:
        sys.path.append(folder)  # workers are started with the same path; nothing installed is hidden by it
    levels, trials = content.get("levels", 5), content.get("trials", 1)
    check_positive(f"{where}: levels", levels, 1000)
    check_positive(f"{where}: trials", trials, 1000)
    check_whole(f"{where}: root_seed", content.get("root_seed", 0))
    recipes = tuple(_recipe(path, table) for table in tables)
    names = [recipe.name for recipe in recipes]
    if len(set(names)) < len(names):
        raise LthError(f"{where}: recipes must have names of their own, not {', '.join(names)}: set `name` in each")
    return Study(
        name=name,
        recipes=recipes,
        grids=(Grid(parse_arms(content.get("arms", "ticket,reinit")), trials=trials),),
        levels=levels,
        root_seed=content.get("root_seed", 0),
        engine=content.get("engine", "auto"),
    )


def _recipe(path: Path, table: Any) -> Recipe:
    """The recipe that a table describes: a row of Table 1, and what differs from it."""
    where = path.name
    if not isinstance(table, Mapping):
        raise LthError(f"{where}: recipe must be a table, [recipe], not {table!r}")
    _check_keys(f"{where}: [recipe]", table, RECIPE)
    base = table.get("base", "lenet")
    check_choice(f"base of a recipe in {where}", base, tuple(RECIPES))
    recipe, changes = RECIPES[base], dict(table)
    changes.pop("base", None)
    optimizer = _part(where, "optimizer", recipe.optimizer, changes.pop("optimizer", {}))
    pruning = _part(where, "pruning", recipe.pruning, changes.pop("pruning", {}))
    if isinstance(pruning.criterion, str) and ":" in pruning.criterion:
        pruning = replace(pruning, criterion=_imported(path, pruning.criterion))
    if "network" in changes:
        network = changes.pop("network")
        changes["model"] = _imported(path, network) if ":" in str(network) else network
    if "data" in changes:
        data = changes.pop("data")
        changes["dataset"] = _imported(path, data) if ":" in str(data) else data
        if callable(changes["dataset"]):  # floats are taken as they are
            possible = loading.own(changes["dataset"]).preprocessings
            if recipe.preprocessing not in possible:
                changes.setdefault("preprocessing", possible[0])
        if isinstance(data, str) and ":" not in data:
            check_choice(f"data in {where}", data, tuple(DATA_SETS))
    return _made(where, lambda: replace(recipe, optimizer=optimizer, pruning=pruning, **_tuples(changes)))


def _part(where: str, name: str, part: Optimizer | Pruning, changes: Any) -> Any:
    """The optimizer or pruning of a recipe with these changes."""
    if not isinstance(changes, Mapping):
        raise LthError(f"{where}: {name} must be a table, [recipe.{name}], not {changes!r}")
    _check_keys(f"{where}: [recipe.{name}]", changes, [field.name for field in fields(part)])
    return _made(where, lambda: replace(part, **_tuples(changes)))


def _made(where: str, make: Callable[[], Any]) -> Any:
    """What `make` makes; what is wrong with it is told with the file's name."""
    try:
        return make()
    except LthError as error:
        raise LthError(f"{where}: {error}") from error
    except TypeError as error:  # a value of another type than is compared with a number
        raise LthError(f"{where}: a value has the wrong type: {error}") from error


def _tuples(changes: Mapping[str, Any]) -> dict[str, Any]:
    return {name: tuple(value) if isinstance(value, list) else value for name, value in changes.items()}


def _check_keys(where: str, table: Mapping[str, Any], allowed: Collection[str]) -> None:
    """LthError, with the likeliest meant, unless all keys are among those allowed."""
    for key in table:
        if key not in allowed:
            near = difflib.get_close_matches(key, allowed, n=1)
            meant = f", perhaps {near[0]!r}" if near else ""
            raise LthError(f"{where} has the unknown key {key!r}{meant}: choose among {', '.join(allowed)}")


def _imported(path: Path, name: Any) -> Callable:
    """What an importable name such as "my_module:Net" stands for."""
    where = path.name
    module, _, attribute = str(name).partition(":")
    beside = path.resolve().with_name(f"{module}.py")
    hidden = importlib.util.find_spec(module) if beside.is_file() else None
    if hidden is not None and hidden.origin != str(beside):
        raise LthError(f"{where}: another module is called {module!r} too, and hides {beside.name}: rename yours")
    try:
        thing = getattr(importlib.import_module(module), attribute)
    except ImportError as error:
        raise LthError(f"{where}: {name!r} cannot be imported: {error}") from error
    except AttributeError as error:
        raise LthError(f"{where}: the module {module!r} has no {attribute!r}") from error
    except Exception as error:  # whatever another's module raises
        raise LthError(f"{where}: importing {module!r} fails: {type(error).__name__}: {error}") from error
    if not callable(thing):
        raise LthError(f"{where}: {name!r} must be a class or function, not {type(thing).__name__}")
    return thing
