"""What a run costs."""

from lth.models import FullyConnected, skeleton
from lth.pruning import ladder
from lth.runs import Run


def cost(run: Run) -> float:
    """Roughly what a run costs, in dense iterations: below a third, that of fully connected nets falls with density."""
    net = skeleton(run.recipe)
    if not isinstance(net, FullyConnected):
        return float(run.recipe.iterations)
    rung = ladder(net, run.recipe.pruning, run.level)
    density = sum(rung[-1].values()) / sum(rung[0].values())
    return run.recipe.iterations * min(1.0, 0.1 + 2.7 * density)
