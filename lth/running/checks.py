"""What is checked of a chain before anything is trained."""

import torch

from lth.arms import ARMS
from lth.criteria import found
from lth.errors import LthError
from lth.lottery import Chain
from lth.models import prunable, skeleton
from lth.pruning import full_masks, ladder
from lth.recipes import Recipe


def check(chain: Chain) -> None:
    """LthError where a chain's arms, rules and levels contradict each other, or its network does not fit its images."""
    wanted = [ARMS[name] for name, count in dict(chain.draws).items() if count]
    at_once = [arm.name for arm in wanted if arm.mask == "oneshot"]
    own_chains = [arm.name for arm in wanted if arm.has_own_chain]
    if at_once and own_chains:
        raise LthError(
            f"{own_chains[0]} prunes level by level and is no control for {at_once[0]}: compare it with "
            f"oneshot-reinit, or leave one of them out of the arms"
        )
    found(chain.recipe.pruning)
    chain.rules.check(chain)
    check_fits(chain.recipe)
    if chain.recipe.masks_from:
        check_transfer(chain.recipe, chain.recipe.masks_from)
    ladder(skeleton(chain.recipe), chain.recipe.pruning, chain.levels)


def check_transfer(recipe: Recipe, source: Recipe) -> None:
    """LthError where masks that are found with `source` do not fit the network of `recipe`."""
    for one in (recipe, source):
        found(one.pruning)
    ours, theirs = (
        {name: tuple(mask.shape) for name, mask in full_masks(skeleton(one), one.pruning.biases).items()}
        for one in (recipe, source)
    )
    if ours != theirs:
        name = next(name for name in {**ours, **theirs} if ours.get(name) != theirs.get(name))
        shapes = [_by(of[name]) if name in of else "none" for of in (theirs, ours)]
        raise LthError(
            f"the masks of {source.name}, on images of {_by(source.shape)}, do not fit {recipe.name}, on images of "
            f"{_by(recipe.shape)}: {name} has the shape {shapes[0]} there and {shapes[1]} here; choose data of one "
            f"shape and number of classes, and one network"
        )


def check_fits(recipe: Recipe) -> None:
    """LthError where the recipe's network has nothing to prune or does not turn its images into one logit a class."""
    net = skeleton(recipe)
    parameters: dict[int, str] = {}
    for name, parameter in net.named_parameters(remove_duplicate=False):
        if id(parameter) in parameters:
            raise LthError(
                f"the network's weights {parameters[id(parameter)]} and {name} are one: it would be pruned and rewound "
                f"under one name and not under the other; give each layer weights of its own"
            )
        parameters[id(parameter)] = name
    prunable(net)
    if frozen := [name for name, parameter in net.named_parameters() if not parameter.requires_grad]:
        raise LthError(
            f"the network's {frozen[0]} does not require a gradient, but all parameters are trained: make it a buffer"
        )
    if recipe.augment and len(recipe.shape) != 3:
        raise LthError(f"only images can be flipped and cropped, not inputs of {_by(recipe.shape)}: leave out augment")
    try:
        with torch.no_grad():
            logits = net.eval()(torch.zeros(2, *recipe.shape, device=next(net.parameters()).device))
    except Exception as error:  # whatever another's code raises
        raise LthError(f"the network does not take images of {_by(recipe.shape)}: {error}") from error
    if not isinstance(logits, torch.Tensor) or logits.shape != (2, recipe.classes):
        given = _by(logits.shape) if isinstance(logits, torch.Tensor) else type(logits).__name__
        raise LthError(
            f"the network must give {recipe.classes} logits for each image, but for 2 images it gives {given}"
        )


def _by(shape: tuple[int, ...]) -> str:
    """A shape in words: 3x32x32."""
    return "x".join(map(str, shape))
