"""`make gpu`: everything that needs a GPU, in the order of what it is worth. Stop it at any time and repeat it.

It fetches CIFAR-10, times every network, says how long each study will take, trains the studies and publishes each when
it is done. What is done is not done again.
"""

import subprocess
import sys
from pathlib import Path
from typing import Annotated

import torch
import typer

from lth.datasets.download import fetch
from lth.errors import LthError
from lth.records import benchmarks
from lth.report import costs
from lth.running import state
from lth.studies.parameters import study

HERE = Path(__file__).parent
RECORD = "benchmark-cuda"
# (study, recipes): Conv first; of the deep nets, rewinding against none before the others.
STEPS = (
    *((name, None) for name in ("conv2", "conv4", "conv6")),
    *(("resnet18", f"resnet18{variant}") for variant in ("", "-rewind", "-warmup", "-low-rate")),
    *(("vgg19", f"vgg19{variant}") for variant in ("", "-rewind", "-warmup", "-low-rate")),
)


def main(
    source: Annotated[
        Path | None, typer.Option("--from", help="CIFAR-10's files at hand instead of a download.")
    ] = None,
    only: Annotated[str, typer.Option(help="Which studies to train.")] = "conv2,conv4,conv6,resnet18,vgg19",
    plan: Annotated[
        bool, typer.Option("--plan", help="Time the networks and say how long it will take; no more.")
    ] = False,
    trials: Annotated[int | None, typer.Option(help="Independent repetitions, if not three.")] = None,
) -> None:
    """Train all studies of convolutional networks on one GPU."""
    try:
        _run(source, only.split(","), plan, trials)
    except LthError as error:
        sys.exit(f"lth: {error}")


def _run(source: Path | None, names: list[str], plan: bool, trials: int | None) -> None:
    known = list(dict.fromkeys(name for name, _ in STEPS))
    if wrong := [name for name in names if name not in known]:
        raise LthError(f"unknown study {wrong[0]!r}: choose from {', '.join(known)}")
    if not torch.cuda.is_available():
        raise LthError(
            "this machine has no CUDA device that PyTorch can use: `make bench` times the networks on a CPU, and "
            "`lth run conv2-reduced` is a study for one"
        )
    steps = [(name, recipe) for name, recipe in STEPS if name in names]
    print(fetch("cifar10", source))
    timed = benchmarks.load_or_none(RECORD)
    if timed is None or timed["machine"].iloc[0] != torch.cuda.get_device_name():
        subprocess.run([sys.executable, HERE / "networks.py", "--device", "cuda"], check=True)
        timed = benchmarks.load(RECORD)
    for line in expected(timed, steps, trials):
        print(line)
    if plan:
        return
    for name, recipe in steps:
        options = (["--recipes", recipe] if recipe else []) + (["--trials", str(trials)] if trials else [])
        for command in (["run", name, *options, "--device", "cuda"], ["publish", name, *options]):
            done = subprocess.run([sys.executable, "-c", "from lth.cli import main; main()", *command], check=False)
            if done.returncode:
                sys.exit(done.returncode)


def expected(timed, steps, trials: int | None) -> list[str]:
    """For each step, the hours its missing runs will take, by the timed cost of as many runs side by side."""
    engine, lines, total = costs.widest(timed), [], 0.0
    for name, recipe in steps:
        chosen = study(name, trials=trials, recipes=recipe)
        runs, missing = len(chosen.runs()), len(state.of(chosen).missing)
        seconds = costs.study_seconds(timed, chosen, engine) * missing / runs
        total += seconds
        lines.append(f"{recipe or name:18} {missing:4} of {runs:4} runs to train: {costs.duration(seconds)}")
    return [*lines, f"{'all of it':18} {costs.duration(total)}, at the cost of {engine} on {timed['machine'].iloc[0]}"]


if __name__ == "__main__":
    typer.run(main)
