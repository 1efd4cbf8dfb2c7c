"""The sparse CPU engine against plain PyTorch."""

import numpy as np
from agreement import Agreement, every_run, with_dead_units
from reference import SIZES, case, distance, train

from lth.engines import sparse
from lth.engines.sparse import Sparse


class TestSparse(Agreement):
    engine = Sparse


@every_run
def test_tiles_of_rows(make, monkeypatch):
    """Small nets fit into one tile; with eight rows a tile, units have several segments."""
    monkeypatch.setattr(sparse, "TILE", 8)
    run = make()
    assert distance(run.run(Sparse, 50)[0].weights(0), train(run, 50)[0]) < 1e-5


def graph(run):
    return run.run(Sparse, 1)[0]._graph


def test_the_graph_holds_surviving_weights_only():
    run = case(0.2)
    source = graph(run).source
    assert len(source) <= sum(int(mask.sum()) for mask in run.start.masks.values())


def test_pixels_and_units_that_lead_nowhere_are_left_out():
    whole, some = graph(case()), graph(with_dead_units())
    assert (len(whole.pixels), len(whole.bias)) == (SIZES[0], sum(SIZES[1:]))
    assert not {0, 7, 35} & set(some.pixels)
    assert len(some.bias) == sum(SIZES[1:]) - 3  # units 4 and 5 of the first hidden layer, 2 of the second


def test_units_come_after_what_feeds_them():
    some = graph(case(0.3))
    unit = np.repeat(some.unit, np.diff(some.first))
    assert (some.source.astype(int) < len(some.pixels) + unit).all()
