"""Random flips and crops of images, drawn on the CPU and applied to their bytes wherever they are.

To bytes, because what comes in at the edges is then the data set's black, whatever a recipe makes of black afterwards.
"""

import torch
from torch.nn import functional as F

PAD = 4  # black pixels on each side, before cropping to the old size ([FC] appendix I)
SHIFTS = 2 * PAD + 1  # where a crop may begin, in each direction
KINDS = 2 * SHIFTS * SHIFTS  # ways to flip and crop an image


def draw(shape: tuple[int, ...], generator: torch.Generator) -> torch.Tensor:
    """Which of KINDS for each image, int64 of `shape`.

    Drawn one after the other, so that two calls give what one call for as many images gives.
    """
    return torch.randint(KINDS, shape, generator=generator)


def augment(x: torch.Tensor, kinds: torch.Tensor) -> torch.Tensor:
    """Images (n, channels, height, width) flipped and cropped as `kinds` (n,) says; any device, no synchronisation."""
    n, channels, height, width = x.shape
    wide = width + 2 * PAD
    kinds = kinds.view(n, 1)
    rows = kinds % (SHIFTS * SHIFTS) // SHIFTS + torch.arange(height, device=x.device)
    columns = kinds % SHIFTS + torch.arange(width, device=x.device)
    columns = torch.where(kinds >= SHIFTS * SHIFTS, wide - 1 - columns, columns)  # of the image that is not flipped
    places = (rows.unsqueeze(2) * wide + columns.unsqueeze(1)).view(n, 1, height * width)
    padded = F.pad(x, (PAD,) * 4).flatten(2)
    return padded.gather(2, places.expand(-1, channels, -1)).view(x.shape)
