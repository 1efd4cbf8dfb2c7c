"""Specifications, as records have them, turned back into recipes."""

import json
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from lth.datasets import loading
from lth.errors import LthError
from lth.recipes import Optimizer, Pruning, Recipe


def recipe_of(spec: Mapping[str, Any]) -> Recipe | None:
    """The recipe of a specification; None where its network, data or criterion are not the library's."""
    return _recipe(json.dumps(spec["recipe"], sort_keys=True))


@lru_cache(maxsize=256)
def _recipe(text: str) -> Recipe | None:
    fields = json.loads(text)
    if fields.get("sources"):
        return None
    source = fields.get("masks_from")
    lender = _recipe(json.dumps(source, sort_keys=True)) if source else None
    if source and lender is None:
        return None
    optimizer = fields["optimizer"] | {"milestones": tuple(fields["optimizer"]["milestones"])}
    try:
        parts = {"optimizer": Optimizer(**optimizer), "pruning": Pruning(**fields["pruning"]), "masks_from": lender}
        moments = {name: tuple(fields.get(name, ())) for name in ("drift_at", "steps_at")}
        return loading.shaped(Recipe(**fields | parts | moments))
    except (LthError, TypeError):
        return None
