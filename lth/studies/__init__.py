"""The studies: named grids of runs."""

from lth.studies.catalogue import STUDIES
from lth.studies.parameters import study
from lth.studies.study import Grid, Study

__all__ = ["STUDIES", "Grid", "Study", "study"]
