"""The formats in which data sets are published: IDX files, and CIFAR-10's pickled batches."""

import math
import pickle
import struct
import warnings
from collections.abc import Collection
from pathlib import Path
from typing import Any

import numpy as np
import torch

from lth.errors import LthError

Part = tuple[torch.Tensor, torch.Tensor]  # pixels uint8 (n, channels, height, width), labels int64 (n,)


def idx_pairs(folder: Path, contents: dict[str, bytes]) -> tuple[Part, Part]:
    """The training and the test part out of four IDX files: images (n, height, width) and labels (n,) of each.

    LthError, naming the file in `folder`, where one is not IDX.
    """
    train, train_labels, test, test_labels = (parse_idx(folder / name, content) for name, content in contents.items())
    return (train.unsqueeze(1), train_labels.long()), (test.unsqueeze(1), test_labels.long())


def parse_idx(path: Path, content: bytes) -> torch.Tensor:
    """The uint8 tensor in an IDX file: bytes 0, 0, 8, number of dimensions, each dimension as a big-endian uint32."""
    dimensions = content[3] if content[:3] == b"\0\0\x08" and len(content) > 3 else 0
    start = 4 + 4 * dimensions
    if not dimensions or len(content) < start:
        raise LthError(
            f"{path} is not an IDX file of bytes: it starts with {content[:4].hex()}, not 00000801 or 00000803"
        )
    shape = struct.unpack(f">{dimensions}I", content[4:start])
    if len(content) - start != math.prod(shape):
        raise LthError(f"{path} holds {len(content) - start} values where its header promises {math.prod(shape)}")
    return torch.frombuffer(bytearray(content), dtype=torch.uint8, offset=start).reshape(shape)


def cifar(folder: Path, contents: dict[str, bytes]) -> tuple[Part, Part]:
    """The training and the test part out of CIFAR-10's Python batches, whose checksums must be known to be good.

    They are pickles, which can run code when they are read. `test_batch` is the test part, all others the training
    part; each row holds 3 x 32 x 32 bytes, channel first.
    """
    with warnings.catch_warnings():  # the batches were pickled by a NumPy of 2009
        warnings.simplefilter("ignore")
        batches = {name: pickle.loads(content, encoding="latin1") for name, content in contents.items()}
    test = batches.pop("test_batch")

    def join(parts: Collection[dict[str, Any]]) -> Part:
        pixels = torch.from_numpy(np.concatenate([part["data"] for part in parts])).reshape(-1, 3, 32, 32)
        return pixels, torch.tensor([label for part in parts for label in part["labels"]])

    return join(batches.values()), join([test])
