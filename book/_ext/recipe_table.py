"""The directive `recipe-table`: Table 1 from `lth.RECIPES`, so that the book cannot drift from the code."""

from sphinx.util.docutils import SphinxDirective

from lth.datasets import catalogue
from lth.recipes import RECIPES, Optimizer, Pruning, Recipe
from lth.report.printed import NETWORKS

PREPROCESSINGS = {"l2": "each image / its L2 norm", "unit": "[0, 1]", "standard": "mean 0, deviation 1"}


def optimizer_text(optimizer: Optimizer) -> str:
    """Name, learning rate and what else is set, in words."""
    text = f"{'Adam' if optimizer.name == 'adam' else 'SGD'} {optimizer.learning_rate:g}"
    if optimizer.momentum:
        text += f", momentum {optimizer.momentum:g}"
    if optimizer.weight_decay:
        text += f", weight decay {optimizer.weight_decay:g}"
    if optimizer.milestones:
        text += f", ÷ 10 at {' and '.join(f'{m:,}' for m in optimizer.milestones)}"
    return text


def pruning_text(pruning: Pruning) -> str:
    """Share removed at each level by kind of layer."""
    kinds = (("conv", pruning.convolution), ("fc", pruning.linear), ("output", pruning.output))
    return ", ".join(f"{kind} {100 * rate:g}%" for kind, rate in kinds if rate)


def rows(recipes: list[Recipe]) -> list[list[str]]:
    """The table's cells, first the head."""
    printed = [NETWORKS[recipe.name] for recipe in recipes]
    return [
        ["", *(network.name for network in printed)],
        ["Recipe", *(f"`{recipe.name}`" for recipe in recipes)],
        ["Convolutions", *(network.convolutions or "–" for network in printed)],
        ["Fully connected", *(network.fully_connected for network in printed)],
        ["Weights, as printed", *(network.weights for network in printed)],
        ["Data set", *(catalogue.find(recipe.dataset).label for recipe in recipes)],
        ["Inputs", *(PREPROCESSINGS[recipe.preprocessing] for recipe in recipes)],
        ["Optimizer", *(optimizer_text(recipe.optimizer) for recipe in recipes)],
        ["Batch", *(str(recipe.batch_size) for recipe in recipes)],
        ["Iterations", *(f"{recipe.iterations:,}" for recipe in recipes)],
        ["Pruned a level", *(pruning_text(recipe.pruning) for recipe in recipes)],
        ["Ranked within", *("each layer" if r.pruning.scope == "layer" else "all layers" for r in recipes)],
    ]


class RecipeTable(SphinxDirective):
    """Render the recipes as one table, a column each; the argument is the caption, `:name:` its label."""

    required_arguments = 1
    final_argument_whitespace = True
    option_spec = {"name": str}

    def run(self) -> list:
        """Parse the table as MyST, so that it takes the theme's style."""
        lines = rows([RECIPES[name] for name in NETWORKS])
        lines.insert(1, ["---"] * len(lines[0]))
        table = "\n".join(f"| {' | '.join(line)} |" for line in lines)
        text = f":::{{table}} {self.arguments[0]}\n:name: {self.options['name']}\n:class: recipes\n{table}\n:::"
        return self.parse_text_to_nodes(text)


def setup(app) -> dict:
    """Register with Sphinx."""
    app.add_directive("recipe-table", RecipeTable)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
