"""The two costs of a run, timed by pytest-benchmark: an iteration and a measurement."""

import pytest

from lth import pruning

STEPS = 100  # iterations in a round


def note(benchmark, program, ticket, what: str, per_round: int, images: int) -> None:
    """Leave in the benchmark's JSON what is needed to read its times."""
    benchmark.extra_info |= {
        "model": ticket.run.recipe.model,
        "replicas": program.replicas,
        "level": ticket.run.level,
        "density": pruning.density(ticket.masks),
        "what": what,
        "images": images,
        "per_round": per_round * program.replicas,
    }


def test_step(benchmark, program, recipe, ticket):
    """Iterations, many in a round."""
    note(benchmark, program, ticket, "step", STEPS, recipe.batch_size)
    benchmark(program.advance, STEPS)


def test_measure(benchmark, program, recipe, ticket):
    """One measurement of validation and test images."""
    if not program.measure:
        pytest.skip("nothing to measure")
    note(benchmark, program, ticket, "measure", 1, recipe.validation_size + 10_000)  # MNIST and CIFAR-10: 10,000 test
    benchmark(program.measure)
