"""An engine without a network."""

import numpy as np
import torch


class Fake:
    """An engine without a network: step i (from 1) costs 10 i for replica 0 and 20 i for replica 1."""

    def __init__(self, recipe, data, starts):
        self.steps, self.seen, self.factors = 0, [], 10 * np.arange(1, len(starts) + 1)

    def advance(self, indices, iteration):
        assert iteration == self.steps and indices.shape[0] == len(self.factors)
        costs = [self.steps + 1 + i for i in range(indices.shape[1])]
        self.steps += indices.shape[1]
        self.seen.append(indices)
        return self.factors * float(np.mean(costs))

    def evaluate(self, part):
        value = self.factors / 1000 + {"validation": 0, "test": 0.2, "subset": 0.4}[part]
        return value + abs(self.steps - 6), value

    def weights(self, replica):
        return {"steps": torch.tensor(self.steps), "replica": torch.tensor(replica)}

    def moments(self, replica):
        return None
