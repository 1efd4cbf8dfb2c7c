"""A published ticket as files that need nothing but PyTorch, or NumPy and safetensors."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from lth.errors import LthError
from lth.paths import make_dir
from lth.records.tickets import Ticket

README = """# {study}, trial {trial}, level {level}

A winning ticket of the Lottery Ticket Hypothesis (Frankle & Carbin, arXiv 1803.03635): {density:.2%} of the weights of
the network `{model}`, found by {level} rounds of pruning. Recorded test accuracy: {stop:.2%} at the early-stop
iteration {iteration}, {final:.2%} after the last of {iterations}.

| file | what it holds |
|---|---|
| `start.pt` | state dict of the network where the ticket starts; pruned weights are 0 |
| `mask.pt` | by name of the pruned weights, a tensor of 0 and 1 |
{trained}| `ticket.safetensors` | the same tensors, named `start.NAME`, `mask.NAME`{also} |

```python
import torch

start, mask = torch.load("start.pt"), torch.load("mask.pt")
net.load_state_dict(start)  # {layers}
# after every step of the optimizer ({optimizer}, learning rate {rate}, batches of {batch}):
with torch.no_grad():
    for name, parameter in net.named_parameters():
        if name in mask:
            parameter.mul_(mask[name])
```

Images: {data}, {preprocessing}. `preprocessing` "l2" divides each image by its L2 norm, "unit" by 255, "standard"
subtracts the mean and divides by the standard deviation of each channel. {validation} of the training images were kept
for validation. SHA-256 of the mask: {mask}.
"""


def export(ticket: Ticket, folder: Path) -> Path:
    """Write the ticket into `folder`, which must be empty or not there; returns it."""
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise LthError(f"{folder} is there already and not an empty folder: name another with --to")
    make_dir(folder)
    masks = {name: mask.float() for name, mask in ticket.masks.items()}
    parts = {"start": ticket.start, "mask": masks} | ({"trained": ticket.trained} if ticket.trained else {})
    try:
        for name, tensors in parts.items():
            torch.save({key: value.contiguous() for key, value in tensors.items()}, folder / f"{name}.pt")
        flat = {
            f"{part}.{key}": value.contiguous() for part, tensors in parts.items() for key, value in tensors.items()
        }
        save_file(flat, folder / "ticket.safetensors")
        (folder / "README.md").write_text(_readme(ticket))
    except OSError as error:
        raise LthError(f"cannot write {folder} ({error.strerror}): make room there and try again") from error
    return folder


def _readme(ticket: Ticket) -> str:
    recipe, summary = ticket.recipe, ticket.summary
    trained = "| `trained.pt` | state dict after training; pruned weights are 0 |\n" if ticket.trained else ""
    layers = ", ".join(f"{name} {tuple(value.shape)}" for name, value in ticket.start.items())
    return README.format(
        study=ticket.study, trial=ticket.trial, level=ticket.level, density=ticket.density, model=recipe.model,
        stop=summary["early_stop_test_acc"], iteration=summary["early_stop_iteration"],
        final=summary["final_test_acc"], iterations=recipe.iterations, trained=trained,
        also=", `trained.NAME`" if ticket.trained else "", layers=layers, optimizer=recipe.optimizer.name,
        rate=recipe.optimizer.learning_rate, batch=recipe.batch_size, data=summary["data"],
        preprocessing=recipe.preprocessing, validation=recipe.validation_size, mask=summary["mask_sha256"],
    )  # fmt: skip
