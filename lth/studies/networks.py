"""The studies of Table 1's other rows: Conv-2/4/6, ResNet-18 and VGG-19 on CIFAR-10, and how a recipe is shortened.

Sources: Frankle & Carbin (arXiv 1803.03635), sections 3 and 4 and appendices H and I; Frankle et al. (arXiv 1903.01611)
for rewinding to iteration k > 0.
"""

from dataclasses import replace

from lth.recipes import RECIPES, Pruning, Recipe
from lth.studies.lenet import PAIR
from lth.studies.study import Grid, Study

THREE_TRIALS = (Grid(PAIR, trials=3),)


def _variants(recipe: Recipe, warm_rate: float, warmup: int, rewind: int) -> tuple[Recipe, ...]:
    """A deep row of Table 1 as it is, at a tenth of its learning rate, with warmup, and rewound to iteration k."""
    low = replace(recipe.optimizer, learning_rate=0.01)
    warm = replace(recipe.optimizer, learning_rate=warm_rate, warmup=warmup)
    return (
        recipe,
        replace(recipe, name=f"{recipe.name}-low-rate", optimizer=low),
        replace(recipe, name=f"{recipe.name}-warmup", optimizer=warm),
        replace(recipe, name=f"{recipe.name}-rewind", rewind=rewind),
    )


# For a CPU. Each level removes what five of the paper's levels remove, a quarter of the iterations is trained, and
# measuring 15,000 images, which takes as long as 100 iterations, is done every 250.
REDUCED = replace(
    RECIPES["conv2"],
    name="conv2-reduced",
    iterations=5000,
    eval_every=250,
    train_eval_every=5000,
    pruning=Pruning(convolution=1 - 0.9**5, linear=1 - 0.8**5, output=1 - 0.9**5),
)


def _resnet18_reduced() -> tuple[Recipe, ...]:
    """ResNet-18 in a sixth of its iterations, its phases in proportion, under what the papers say decides.

    Each level removes what three and a half of the paper's remove: 45.8, 21.0 and 9.6 % of the convolutions are left.
    The ticket is rewound to the start, to iterations 25, 100 and 500 (0.5, 2 and 10 % of training), and to the start
    with warmup and at a tenth of the learning rate.
    """
    recipe = RECIPES["resnet18"]
    optimizer = replace(recipe.optimizer, milestones=(3333, 4167))
    plain = replace(
        recipe,
        name="resnet18-reduced",
        iterations=5000,
        eval_every=250,
        train_eval_every=5000,
        optimizer=optimizer,
        pruning=replace(recipe.pruning, convolution=1 - 0.8**3.5),
    )
    return (
        plain,
        *(replace(plain, name=f"{plain.name}-rewind-{k}", rewind=k) for k in (25, 100, 500)),
        replace(plain, name=f"{plain.name}-warmup", optimizer=replace(optimizer, warmup=3333)),
        replace(plain, name=f"{plain.name}-low-rate", optimizer=replace(optimizer, learning_rate=0.01)),
    )


STUDIES = (
    # Four levels deeper than the last of the paper's that leaves more than 2 % of the weights.
    Study("conv2", (RECIPES["conv2"],), THREE_TRIALS, levels=21),
    Study("conv4", (RECIPES["conv4"],), THREE_TRIALS, levels=25),
    Study("conv6", (RECIPES["conv6"],), THREE_TRIALS, levels=25),
    Study("conv2-reduced", (REDUCED,), (Grid(PAIR, trials=2),), levels=3),
    # Down to 3.5 and 1.2 % of the convolutions: below where the paper's last tickets are (11.8 and 1.5 %).
    Study("resnet18", _variants(RECIPES["resnet18"], 0.03, 20_000, 500), THREE_TRIALS, levels=15),
    Study("resnet18-reduced", _resnet18_reduced(), THREE_TRIALS, levels=3),
    Study("vgg19", _variants(RECIPES["vgg19"], 0.1, 10_000, 100), THREE_TRIALS, levels=20),
)
