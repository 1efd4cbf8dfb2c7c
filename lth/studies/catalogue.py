"""The studies there are, by name."""

from lth.studies import lenet, networks, null_2020

STUDIES = {study.name: study for study in (*lenet.STUDIES, *null_2020.STUDIES, *networks.STUDIES)}
