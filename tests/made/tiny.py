"""A tiny MNIST: learnable images, and the IDX format they are stored in."""

import struct

import numpy as np

TRAIN, TEST = 240, 60  # images


def idx_bytes(array: np.ndarray) -> bytes:
    """`array` (uint8) as an IDX file."""
    return struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape) + array.tobytes()


def tiny_images(count: int, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """`count` learnable 28x28 images (a bright square whose place tells the class, plus noise) and their labels."""
    random = np.random.default_rng(seed)
    labels = (np.arange(count) % 10).astype(np.uint8)
    pixels = random.integers(0, 60, (count, 28, 28), dtype=np.uint8)
    for image, label in zip(pixels, labels, strict=True):
        row, column = 2 + 13 * (label // 5), 1 + 5 * (label % 5)
        image[row : row + 8, column : column + 5] += 180
    return pixels, labels
