"""Records of barriers and learned masks: checked, with checksums, and added to without loss."""

import pytest

from lth.errors import LthError
from lth.paths import records_dir
from lth.records import instruments
from lth.records.instruments import SUPERMASKS


def row(number: int, **changes) -> dict:
    told = dict.fromkeys(("spec", "key", "machine", "versions", "commit", "time"), "x")
    place = {"study": "s", "recipe": "r", "arm": "ticket", "trial": number, "level": 0, "kind": "learned"}
    return place | told | {"density": 0.5, "test_acc": 0.9, "validation_acc": 0.9, "seconds": 1.0} | changes


def test_rows_are_added_and_equal_ones_replaced(data_dir):
    assert instruments.load(SUPERMASKS).empty
    instruments.add(SUPERMASKS, [row(1), row(0)])
    instruments.add(SUPERMASKS, [row(1, test_acc=0.8), row(2)])
    there = instruments.load(SUPERMASKS)
    assert there["trial"].tolist() == [0, 1, 2] and there["test_acc"].tolist() == [0.9, 0.8, 0.9]


@pytest.mark.parametrize("wrong", [{"test_acc": 1.2}, {"trial": -1}, {"seconds": "long"}])
def test_what_does_not_obey_the_format_is_refused_and_nothing_is_written(data_dir, wrong):
    with pytest.raises(LthError, match="supermasks/supermasks.parquet does not obey the record format"):
        instruments.add(SUPERMASKS, [row(0, **wrong)])
    assert instruments.load(SUPERMASKS).empty


def test_damage_is_told(data_dir):
    instruments.add(SUPERMASKS, [row(0)])
    path = records_dir() / "supermasks" / "supermasks.parquet"
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(LthError, match="is not what was published .*make it again with `lth supermasks STUDY`"):
        instruments.load(SUPERMASKS)
