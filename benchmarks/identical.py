"""What is bit for bit the same elsewhere, and how far apart the rest is: a short chain of LeNet under other settings.

python benchmarks/identical.py                                 # threads and instruction sets, by their switches
python benchmarks/identical.py --python /other/.venv/bin/python   # with another PyTorch, too

Each setting trains, in a process of its own, a dense network and its ticket with each engine; all are compared with the
first. The last row is another trial: how far apart two runs are that share nothing.
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import torch

ENGINES = ("dense", "sparse", "stacked")
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
# PyTorch's own kernels, those of MKL, which multiplies its matrices, and what Numba compiles. Of MKL only the last
# resort can be asked for on every processor; on one of another maker than Intel it takes AVX2 at most anyway.
AVX2 = {
    "ATEN_CPU_CAPABILITY": "avx2",
    "NUMBA_CPU_NAME": "haswell",
    "NUMBA_CPU_FEATURES": "-avx512f",
}
NO_AVX = {
    "ATEN_CPU_CAPABILITY": "default",
    "MKL_CBWR": "COMPATIBLE",
    "NUMBA_CPU_NAME": "nehalem",
    "NUMBA_CPU_FEATURES": "-avx",
}
SETTINGS = {
    "two threads": dict.fromkeys(THREADS, "2"),
    "AVX2 at most": AVX2,
    "no AVX": NO_AVX,
}
VERSIONS = "import numba, torch as t; print('PyTorch', t.__version__ + ', Numba', numba.__version__)"


def train(engine: str, iterations: int, trial: int) -> list[dict]:
    """What a dense run and its ticket leave, in this process."""
    import lth
    from lth.lottery import walk
    from lth.running.worker import execute

    chain = lth.study("lenet", trials=trial + 1, levels=1, iterations=iterations, arms="ticket", engine=engine).chains()
    left = []
    for _, finished in walk(chain[trial], lambda job: execute([job])[0]):
        weights, masks = ([t.numpy() for t in tensors.values()] for tensors in (finished.weights, finished.masks))
        start = [t.numpy() for t in finished.rewound.values()]
        left.append({"start": start, "weights": weights, "masks": masks, "curve": dict(finished.curve)})
    return left


def trained(python: str, setting: dict[str, str], *arguments: object) -> dict[str, list[dict]]:
    """What a process with these environment variables leaves, by engine."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "left.pt"
        command = [python, __file__, "--leave", str(file), *map(str, arguments)]
        environment = os.environ | THREADS | {"PYTHONPATH": str(Path(__file__).parents[1]), "PYTHONWARNINGS": "ignore"}
        subprocess.run(command, env=environment | setting, check=True)
        return torch.load(file, weights_only=False)


def equal(one: list[np.ndarray], other: list[np.ndarray]) -> bool:
    """Whether two lists of arrays agree in every bit."""
    return all(a.tobytes() == b.tobytes() for a, b in zip(one, other, strict=True))


def compared(one: list[dict], other: list[dict]) -> list[str]:
    """What a row of the table says of two chains."""
    curves = [[run["curve"][name] for name in sorted(run["curve"])] for chain in (one, other) for run in chain]
    count = len(one)
    accuracy = max(
        np.abs(a["curve"]["test_acc"] - b["curve"]["test_acc"]).max() for a, b in zip(one, other, strict=True)
    )
    kept = [np.concatenate([mask.ravel() for mask in chain[-1]["masks"]]) for chain in (one, other)]
    same = equal(one[0]["weights"], other[0]["weights"]) and all(map(equal, curves[:count], curves[count:]))
    return [
        "yes" if equal(one[0]["start"], other[0]["start"]) else "no",
        "yes" if same and equal(one[-1]["weights"], other[-1]["weights"]) else "no",
        f"{(kept[0] & ~kept[1]).sum():,} of {kept[0].sum():,}",
        f"{100 * accuracy:.2f}",
    ]


def main() -> None:
    """Print the table, or train for one row of it."""
    parser = argparse.ArgumentParser(description="What is bit for bit the same under other settings.")
    parser.add_argument("--iterations", type=int, default=300)
    parser.add_argument("--python", action="append", default=[], help="of another environment with what lth needs")
    parser.add_argument("--settings", nargs="*", choices=SETTINGS, default=list(SETTINGS))
    parser.add_argument("--trial", type=int, default=0)
    parser.add_argument("--leave", type=Path, help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if asked.leave:
        torch.save({engine: train(engine, asked.iterations, asked.trial) for engine in ENGINES}, asked.leave)
        return
    basis = ("--iterations", asked.iterations, "--trial", asked.trial)
    first = trained(sys.executable, {}, *basis)
    print(f"PyTorch {torch.__version__}, {torch.backends.cpu.get_cpu_capability()}, {asked.iterations} iterations\n")
    print(
        "| Setting | Engine | Same start | Same run | Weights of the ticket lost | Test accuracy, apart by (points) |"
    )
    print("|---|---|---|---|---|---|")

    def tell(name: str, there: dict[str, list[dict]]) -> None:
        for engine in ENGINES:
            print("|", " | ".join((name, engine, *compared(first[engine], there[engine]))), "|", flush=True)

    for name in asked.settings:
        tell(name, trained(sys.executable, SETTINGS[name], *basis))
    for python in asked.python:
        tell(subprocess.check_output([python, "-c", VERSIONS], text=True).strip(), trained(python, {}, *basis))
    for engine in ("sparse", "stacked"):
        print("|", " | ".join(("dense for it", engine, *compared(first["dense"], first[engine]))), "|")
    tell("another trial", trained(sys.executable, {}, "--iterations", asked.iterations, "--trial", asked.trial + 1))


if __name__ == "__main__":
    main()
