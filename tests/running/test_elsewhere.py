"""What is bit for bit the same under other settings, as far as one machine can tell (see benchmarks/identical.py)."""

import os
import platform
import subprocess
import sys

import pytest
import torch
from finished import same
from tiny_study import TINY

from lth.lottery import Chain, walk
from lth.running.worker import execute


@pytest.mark.parametrize("engine", ["dense", "sparse", "stacked"])
def test_the_number_of_threads_changes_no_bit(engine, data_dir):
    chain, left = Chain(TINY, 0, 1, {"ticket": 1}, engine=engine), []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        try:
            left.append([finished for _, finished in walk(chain, lambda job: execute([job])[0])])
        finally:
            torch.set_num_threads(1)
    for one, two in zip(*left, strict=True):
        assert same(one, two)
        for name, weights in one.weights.items():
            assert weights.numpy().tobytes() == two.weights[name].numpy().tobytes()


# What a trial draws before anything is trained: its split and its weights, as one hash.
DRAWN = """
import hashlib
import torch
from lth.models import initialise, skeleton
from lth.recipes import RECIPES
from lth.runs import stream
split = torch.randperm(60_000, generator=stream(0, 0, "split"))
weights = initialise(skeleton(RECIPES["lenet"]), stream(0, 0, "initialisation"))
drawn = hashlib.sha256(b"".join(t.numpy().tobytes() for t in (split, *weights.values()))).hexdigest()
"""


@pytest.mark.skipif(platform.machine() not in ("x86_64", "AMD64"), reason="an instruction set of another processor")
def test_avx2_draws_what_avx_512_draws():
    if torch.backends.cpu.get_cpu_capability() != "AVX512":
        pytest.skip("this processor has no AVX-512")
    here: dict = {}
    exec(DRAWN, here)
    environment = os.environ | {"ATEN_CPU_CAPABILITY": "avx2"}
    asked = [sys.executable, "-c", f"{DRAWN}\nprint(torch.backends.cpu.get_cpu_capability(), drawn)"]
    there = subprocess.run(asked, env=environment, capture_output=True, text=True, check=True).stdout
    assert there.split() == ["AVX2", here["drawn"]]
