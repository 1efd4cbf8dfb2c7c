"""`make bench`: time every program in a process of its own, print the table, write data/records/benchmark/."""

import contextlib
import json
import os
import platform
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Annotated

import pandas as pd
import torch
import typer
from programs import PROGRAMS, tickets
from rich.box import SIMPLE
from rich.console import Console
from rich.progress import track
from rich.table import Table
from where import told

from lth.errors import LthError
from lth.recipes import RECIPES
from lth.records import benchmarks
from lth.report import costs
from lth.studies.parameters import study

HERE = Path(__file__).parent
LEVELS = "0,3,7,12,15,21"  # LeNet: 100, 51.3, 21.1, 7.0, 3.6 and 0.96 % of the weights
PAPER = {"trials": 5, "levels": 25, "iterations": 50_000, "arms": "ticket,reinit:3"}
CORES = 2
console = Console()


def main(
    peer: Annotated[Path | None, typer.Option(help="A file that prepares another project's training loop.")] = None,
    programs: Annotated[str, typer.Option(help="Which programs to time.")] = ",".join(PROGRAMS),
    levels: Annotated[str, typer.Option(help="At which levels of the ladder.")] = LEVELS,
    seconds: Annotated[float, typer.Option(help="How long to repeat each of the timings.")] = 1.0,
    rounds: Annotated[int, typer.Option(help="How often to repeat each at least.")] = 5,
    keep: Annotated[bool, typer.Option(help="Write the record.")] = True,
) -> None:
    """Time training on one core and write the record. Nothing else should run meanwhile."""
    chosen = programs.split(",")
    for name in chosen:
        if name not in PROGRAMS:
            sys.exit(f"unknown program {name!r}: choose from {', '.join(PROGRAMS)}")
    if peer and not peer.is_file():
        sys.exit(f"there is no file {peer}: benchmarks/README.md tells what it must define")
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as folder:
        console.print("Training a short chain of tickets …")
        torch.save(tickets(RECIPES["lenet"], max(map(int, levels.split(",")))), f"{folder}/tickets.pt")
        timed = []
        everything = chosen + ([str(peer.resolve())] if peer else [])
        for name in track(everything, "Timing", console=console, transient=True):
            timed.append(_time(name, levels, seconds, rounds, Path(folder)))
    frame = pd.concat(timed, ignore_index=True)
    console.print(_table(frame))
    _project(frame)
    if keep and set(chosen) == set(PROGRAMS):
        ours = frame[frame["engine"].isin(PROGRAMS)]
        console.print(f"Written to {benchmarks.save(ours)}", soft_wrap=True)


def _time(name: str, levels: str, seconds: float, rounds: int, folder: Path) -> pd.DataFrame:
    """Times and peak memory of one program, in rows of the record."""
    out = folder / "times.json"
    command = [sys.executable, "-m", "pytest", HERE / "test_programs.py", "-q", "-p", "no:cacheprovider"]
    command += [f"--program={name}", f"--levels={levels}", f"--tickets={folder / 'tickets.pt'}"]
    command += [f"--benchmark-max-time={seconds}", f"--benchmark-min-rounds={rounds}", f"--benchmark-json={out}"]
    environment = os.environ | dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(command, capture_output=True, text=True, env=environment, check=False)
    if done.returncode:
        sys.exit(f"timing {name} failed:\n{done.stdout}{done.stderr}")
    result = json.loads(out.read_text())
    processor = result["machine_info"]["cpu"].get("brand_raw", "unknown")
    where = {
        "engine": name if name in PROGRAMS else Path(name).stem,
        "memory_mb": result["memory_mb"],
    } | told(f"{processor} ({platform.machine()})", "torch", "numpy", "numba")
    rows = pd.DataFrame([_row(timing) | where for timing in result["benchmarks"]])[list(benchmarks.COSTS.columns)]
    return rows.sort_values(["what", "level"], ascending=[False, True], ignore_index=True)


def _row(timing: dict) -> dict:
    info, stats = timing["extra_info"], timing["stats"]
    scale = 1000 / info.pop("per_round")
    times = {"milliseconds": scale * stats["min"], "median": scale * stats["median"], "rounds": stats["rounds"]}
    return info | times


def _table(frame: pd.DataFrame) -> Table:
    """A row for each program and level: milliseconds, the ratios, memory."""
    wide = frame.set_index(["engine", "level", "what"])["milliseconds"]
    floor = wide.xs(costs.FLOOR, level="engine").min() if costs.FLOOR in set(frame["engine"]) else float("nan")
    title = f"LeNet-300-100, MNIST, batch 60, one core of {frame['machine'].iloc[0]}"
    table = Table(title=title, box=SIMPLE, pad_edge=False)
    ratios = [f"÷ {name[:4]}-\n{name[4:]}" for name in (costs.LOOP, costs.FLOOR)]
    heads = ("level", "weights\nleft", "ms an\niteration", *ratios, "ms to\nmeasure", "peak\nMB")
    table.add_column("program", no_wrap=True)
    for head in heads:
        table.add_column(head, justify="right")
    for (engine, level), rows in frame.groupby(["engine", "level"], sort=False):
        step, loop = wide[engine, level, "step"], wide.get((costs.LOOP, level, "step"), float("nan"))
        measure, density, memory = wide.get((engine, level, "measure")), *rows[["density", "memory_mb"]].iloc[0]
        cells = (f"{density:.2%}", f"{step:.3f}", f"{step / loop:.3f}", f"{step / floor:.2f}")
        measured = f"{measure:.1f}" if measure else "–"
        last = level == frame["level"].max()
        table.add_row(engine, str(level), *cells, measured, f"{memory:.0f}", end_section=last)
    return table


def _project(frame: pd.DataFrame) -> None:
    """Print what the paper-scale study would take."""
    paper = study("lenet", **PAPER)
    console.print(f"The paper-scale study ({len(paper.runs())} runs of {PAPER['iterations']:,} iterations, measured")
    console.print(f"every 100) on {CORES} cores, each as fast as the one timed:")
    for engine in ("auto", *(name for name in frame["engine"].unique() if name in costs.STYLES)):
        with contextlib.suppress(LthError):  # not timed this time
            console.print(f"  {engine:12} {costs.duration(costs.study_seconds(frame, paper, engine) / CORES)}")


if __name__ == "__main__":
    typer.run(main)
