import pytest

from lth.datasets import formats
from lth.errors import LthError


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda content: b"\x1f\x8b\x08\x08" + content[4:], "is not an IDX file of bytes"),
        (lambda content: content[:2], "is not an IDX file of bytes"),
        (lambda content: content[:-1], "where its header promises"),
    ],
)
def test_refuses_what_is_not_idx(tmp_path, tiny_files, change, message):
    with pytest.raises(LthError, match=message):
        formats.parse_idx(tmp_path / "file", change(tiny_files["train-labels-idx1-ubyte"]))
