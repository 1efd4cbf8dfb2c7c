"""The dense CPU engine against plain PyTorch."""

from agreement import Agreement
from reference import case

from lth.engines.dense import Dense


class TestDense(Agreement):
    engine = Dense


def test_measuring_leaves_out_pixels_that_are_black_throughout():
    run = case()
    run.data.test.pixels.view(90, -1)[:, [1, 8]] = 0
    stack, _ = run.run(Dense, 1)
    assert not {1, 8} & set(stack._parts["test"].pixels.tolist())
    assert {1, 8} <= set(stack._parts["validation"].pixels.tolist())
