"""A reference replication of the Lottery Ticket Hypothesis.

>>> import lth
>>> records = lth.study("lenet", trials=1, levels=3, iterations=1000).run()
>>> records.runs[["arm", "level", "density", "early_stop_iteration"]]
"""

from lth.models import build_model
from lth.recipes import RECIPES
from lth.studies import STUDIES, study

__all__ = ["RECIPES", "STUDIES", "build_model", "study"]
