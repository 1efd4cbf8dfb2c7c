"""Runs side by side, as on a GPU: which jobs the runner puts together, and what happens where memory runs out.

No GPU is needed: the engine is asked for the device cuda and trains on the CPU.
"""

import warnings

import numpy as np
import pytest
import torch
from tiny_study import TINY

from lth.engines.stacked import Stacked
from lth.errors import LthError
from lth.lottery import TICKET, Chain, next_level
from lth.records import store
from lth.running import complete, worker
from lth.studies.parameters import study


@pytest.fixture
def gpu(monkeypatch):
    """A device cuda that raises PyTorch's error for stacks of more than `room` runs."""

    class Gpu:
        room, fit, sizes = 100, 100, []  # what there is, what is estimated, the stacks that were tried

    def engine(recipe, data, starts):
        Gpu.sizes.append(len(starts))
        if len(starts) > Gpu.room:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return Stacked(recipe, data, starts)

    Gpu.sizes = []
    monkeypatch.setattr(worker, "choose", lambda *_: ("stacked", engine))
    monkeypatch.setattr(worker, "most_replicas", lambda _: Gpu.fit)
    monkeypatch.setattr(torch.cuda, "get_device_name", lambda: "a GPU")
    monkeypatch.setattr(complete, "check", lambda *_: None)
    return Gpu


def jobs(count: int):
    return [next_level(Chain(TINY, trial, 1, {"ticket": 1}), TICKET, 0)[0] for trial in range(count)]


def agree(one, other):
    """The same run, trained beside others: another order of sums, so a measured image of 40 may fall otherwise."""
    assert one.summary["key"] == other.summary["key"] and one.summary["mask_sha256"] == other.summary["mask_sha256"]
    for name, column in one.curve.items():
        np.testing.assert_allclose(column, other.curve[name], rtol=1e-3, atol=0.026)


def test_a_stack_that_does_not_fit_is_halved_and_goes_on(data_dir, gpu, capfd):
    gpu.room = 2
    finished = worker.execute(jobs(5), "cuda")
    assert gpu.sizes == [5, 2, 3, 1, 2]
    told = capfd.readouterr().err.splitlines()
    assert told == [
        "5 runs side by side need more memory than there is: now 3",
        "3 runs side by side need more memory than there is: now 2",
    ]
    for trial, (job, one) in enumerate(zip(jobs(5), finished, strict=True)):
        assert (one.summary["trial"], one.summary["device"], one.summary["engine"]) == (trial, "a GPU", "stacked")
        agree(one, worker.execute([job])[0])


def test_a_run_that_does_not_fit_alone_is_told(data_dir, gpu):
    gpu.room = 0
    with pytest.raises(
        LthError, match="no room for a single run of the recipe 'tiny': end .*, or choose the device cpu"
    ):
        worker.execute(jobs(2), "cuda")


def test_stacks_are_as_large_as_memory_allows_and_about_equal(data_dir, gpu):
    gpu.fit = 3
    assert [one.summary["trial"] for one in worker.execute(jobs(5), "cuda")] == list(range(5))
    assert gpu.sizes == [3, 2]


def test_a_gpu_trains_all_that_is_ready_side_by_side(tiny_study, scheduler, gpu):
    wanted = study("tiny", trials=2)
    assert complete.train(wanted, scheduler=scheduler, device="cuda") == 12
    assert gpu.sizes == [4, 4, 4]  # two trials' ticket and reinit, level by level
    assert store.keys() == {run.key for run in wanted.runs()}
    kept = {key: store.read(key) for key in store.keys()}
    for key in kept:
        store.path(key).unlink()
    assert complete.train(wanted, scheduler=scheduler) == 12 and gpu.sizes[3:] == [1] * 12
    for run in wanted.runs():
        if run.level == 0:  # later masks depend on the order of sums
            agree(kept[run.key], store.read(run.key))


def test_large_jobs_are_handed_over_without_a_warning(tiny_study, scheduler, gpu):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        complete.train(study("tiny", trials=8, levels=1), scheduler=scheduler, device="cuda")
    assert gpu.sizes == [16, 16]  # 16 MB of weights and as many masks
