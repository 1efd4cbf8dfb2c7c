"""What killed processes and damaged files have left in the data folder, which nobody would find."""

from pathlib import Path

from lth.paths import datasets_dir, records_dir, runs_dir

LEFT = (
    (datasets_dir, ".part-*", "a part of a download that was killed; the next `lth data` deletes it"),
    (
        runs_dir,
        "running-*.json",
        "the note of a process that trains, or that was killed; the next `lth run` deletes that",
    ),
    (runs_dir, ".*.tmp", "half a run of a process that was killed; the next `lth run` deletes it"),
    (runs_dir, "*.corrupt*", "a kept run that was corrupt and was set aside; it can be deleted"),
    (records_dir, "*/.*.parquet", "a table of a publication that was interrupted; the next one ends it"),
)


def found() -> list[str]:
    """A sentence for each thing that is left over."""
    there: list[tuple[Path, str]] = []
    for folder, pattern, meaning in LEFT:
        there += [(path, meaning) for path in sorted(folder().glob(pattern))]
    return [f"left over: {path}: {meaning}" for path, meaning in there]
