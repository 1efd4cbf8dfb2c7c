"""What published records say at a glance: a few columns, read without pandas and PyTorch; checksums are compared."""

import json

from lth.records import parquet

FILES = ("curves.parquet", "runs.parquet")
AGAIN = "publish the study again with --replace"


def runs(study: str) -> dict[str, tuple[float, dict]]:
    """How long every published run of `study` trained, and its specification, by key.

    LthError where a file is not as published.
    """
    if not parquet.exists(study, FILES):
        return {}
    _, file = parquet.verified(study, FILES, "studies", AGAIN)
    table = file.table(["key", "seconds", "spec"])
    columns = (table[name].to_pylist() for name in table.column_names)
    return {key: (seconds, json.loads(spec)) for key, seconds, spec in zip(*columns, strict=True)}


def copies(study: str) -> dict[str, str]:
    """What the published runs of `study` were trained on: by data set, the label of a copy, or "" for the original.

    Empty where nothing is published, and where the records are damaged: that is told by whoever reads them, and
    publishing them again with --replace, which has to know the study, mends it.
    """
    try:
        (runs,) = parquet.verified(study, FILES[1:], "studies", AGAIN)
    except parquet.NotAsPublished:
        return {}
    table = runs.table(["recipe", "spec"])
    specs = dict(zip(table["recipe"].to_pylist(), table["spec"].to_pylist(), strict=True))  # one of each recipe's runs
    recipes = [json.loads(spec)["recipe"] for spec in specs.values()]
    return {recipe["dataset"]: recipe.get("copy", "") for recipe in recipes}
