"""The studies of LeNet on MNIST by the paper's protocol."""

from dataclasses import replace

from lth.recipes import RECIPES, Pruning
from lth.studies.study import Grid, Study

LENET = RECIPES["lenet"]
PAIR = {"ticket": 1, "reinit": 1}
AT_ONCE = ("oneshot", "oneshot-reinit", "random-mask")

STUDIES = (
    # The replication itself, at the paper's length. Books and notebooks draw what of it is published.
    Study(
        name="lenet",
        recipes=(LENET,),
        grids=(Grid(PAIR, trials=20), Grid(dict.fromkeys(AT_ONCE, 1) | {"reinit": 3}, trials=5)),
        levels=25,
    ),
    # How far the result hangs on the scale of the inputs, of which the paper says nothing.
    Study(
        name="lenet-preprocessing",
        recipes=(
            LENET,
            *(replace(LENET, name=f"lenet-{scale}", preprocessing=scale) for scale in ("unit", "standard")),
        ),
        grids=(Grid(PAIR, trials=5),),
        levels=16,
    ),
    # A few coarse levels, trained live in a minute: enough to see a ticket beat its reinitialisation.
    Study(
        name="quickstart",
        recipes=(replace(LENET, name="lenet-coarse", iterations=3000, pruning=Pruning(linear=0.5, output=0.25)),),
        grids=(Grid(PAIR, trials=1),),
        levels=4,
    ),
)
