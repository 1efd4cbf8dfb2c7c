from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from pandera.errors import SchemaError

from lth.errors import LthError
from lth.records import benchmarks
from lth.report import costs
from lth.studies.parameters import study

LEVELS = {0: 1.0, 7: 0.2, 21: 0.01}


def times(step=lambda engine, density: 1.0, measure=lambda engine, density: 30.0, at_once=15_000) -> pd.DataFrame:
    """A made-up record."""
    rows = [
        {"model": "lenet", "engine": engine, "replicas": 1, "level": level, "density": density, "what": what}
        | {"images": images, "milliseconds": cost(engine, density), "median": 9.0, "rounds": 5, "memory_mb": 100.0}
        | {"machine": "a machine", "versions": "{}", "commit": "abc", "time": "today", "cores": 2}
        for engine in ("products", *costs.PROGRAMS)
        for level, density in LEVELS.items()
        for what, cost, images in (("step", step, 60), ("measure", measure, at_once))
        if engine != "products" or what == "step"
    ]
    return pd.DataFrame(rows)


@pytest.fixture(autouse=True)
def folder(monkeypatch, tmp_path):
    monkeypatch.setenv("LTH_DATA", str(tmp_path))
    return tmp_path / "records" / "benchmark"


def test_what_is_saved_is_loaded(folder):
    assert benchmarks.save(times()) == folder
    pd.testing.assert_frame_equal(benchmarks.load(), times())


def test_a_changed_file_is_refused(folder):
    benchmarks.save(times())
    content = bytearray((folder / benchmarks.FILE).read_bytes())
    content[100] ^= 1
    (folder / benchmarks.FILE).write_bytes(content)
    with pytest.raises(LthError, match="benchmark/costs.parquet is not what was published.*make bench"):
        benchmarks.load()


def test_a_missing_record_names_those_that_are_there():
    benchmarks.save(times())
    with pytest.raises(LthError, match="'bench'.*SHA256SUMS is missing.*published benchmarks: benchmark"):
        benchmarks.load("bench")


def test_a_cost_that_makes_no_sense_is_refused():
    with pytest.raises((SchemaError, LthError), match="milliseconds"):
        benchmarks.save(times(step=lambda engine, density: -1.0))


def test_costs_are_linear_between_levels_and_constant_beyond():
    made = times(step=lambda engine, density: 2 * density)
    assert costs.milliseconds(made, "sparse", "step", 0.2) == pytest.approx(0.4)
    assert costs.milliseconds(made, "sparse", "step", 0.6) == pytest.approx(1.2)
    assert costs.milliseconds(made, "sparse", "step", 0.001) == pytest.approx(0.02)
    with pytest.raises(LthError, match="unknown engine 'spares': choose one of .*sparse"):
        costs.milliseconds(made, "spares", "step", 0.5)


def test_a_run_costs_its_iterations_and_what_it_measures():
    (recipe,) = study("lenet", iterations=2000).recipes
    steps, every_100, every_1000 = 2000 * 0.5, 21 * 30, 3 * 30 * 10_000 / 15_000
    made = times(step=lambda engine, density: 0.5)
    assert costs.run_seconds(made, recipe, 1.0, "dense") == pytest.approx((steps + every_100 + every_1000) / 1000)
    in_parts = times(step=lambda engine, density: 0.5, measure=lambda engine, density: 1.0, at_once=500)
    assert costs.run_seconds(in_parts, recipe, 1.0, "dense") == pytest.approx((steps + every_100 + every_1000) / 1000)
    odd = replace(recipe, iterations=2050)  # measured once more, at the end
    assert costs.run_seconds(made, odd, 1.0, "dense") == pytest.approx((1025 + 22 * 30 + 4 * 20) / 1000)


def test_a_study_costs_the_sum_of_its_runs():
    small = study("lenet", trials=2, levels=1, iterations=1000, arms="ticket,reinit:3")
    made = times(measure=lambda engine, density: 1e-9)
    assert len(small.runs()) == 16
    assert costs.study_seconds(made, small, "dense") == pytest.approx(16 * 1.0)


def test_auto_takes_each_level_with_its_own_engine():
    """Level 0 is dense and level 1 is not, so half of the runs cost as the dense engine does."""
    small = study("lenet", trials=1, levels=1, iterations=1000, arms="ticket")
    cheap = {"dense": 8.0, "sparse": 1.0}
    made = times(step=lambda engine, density: cheap.get(engine, 100.0), measure=lambda engine, density: 1e-9)
    assert costs.study_seconds(made, small) == pytest.approx(8.0 + 1.0)
    with pytest.raises(LthError, match="unknown network 'lenet': choose one of conv2"):
        costs.study_seconds(made.assign(model="conv2"), small)


@pytest.mark.parametrize(
    ("seconds", "text"), [(90, "2 minutes"), (5400, "90 minutes"), (3 * 3600, "3.0 hours"), (1e6, "11.6 days")]
)
def test_durations_read_well(seconds, text):
    assert costs.duration(seconds) == text


def test_the_table_has_a_row_for_each_program():
    shown = costs.table(times(step=lambda engine, density: density))
    assert list(shown.index) == [style.label for style in costs.PROGRAMS.values()]
    assert list(shown.columns) == ["100%", "20%", "1%", "measuring, dense", "measuring, sparsest", "memory (MB)"]
    assert shown.iloc[0].tolist() == ["1", "0.2", "0.01", "30.0", "30.0", "100"]


def test_the_figure_tells_programs_apart_without_colour():
    drawn = costs.frame(times(step=lambda engine, density: 0.1 + density))
    (figure,) = costs.against_density(drawn)
    (ax,) = figure.axes
    assert ax.get_xscale() == ax.get_yscale() == "log"
    assert ax.xaxis_inverted()  # from dense to sparse
    lines = ax.get_lines()
    assert [line.get_label() for line in lines[:-1]] == [style.label for style in costs.PROGRAMS.values()]
    assert len({line.get_marker() for line in lines[:-1]}) == 6
    np.testing.assert_allclose(lines[-2].get_xdata(), [1, 20, 100])
    np.testing.assert_allclose(lines[-2].get_ydata(), [0.11, 0.3, 1.1])


def test_a_record_says_when_where_and_with_what_it_was_timed():
    told = costs.source(times(), "benchmark")
    assert (told["study"], told["commits"], told["machine"]) == (
        "benchmark",
        ["abc"],
        "one core of a machine with 2 cores",
    )
    assert told["records"] != costs.source(times(step=lambda engine, density: 2.0), "benchmark")["records"]
