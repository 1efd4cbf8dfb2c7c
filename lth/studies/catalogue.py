"""The studies there are, by name."""

from lth.studies import lenet, networks, null_2020, what_makes_a_ticket

STUDIES = {
    study.name: study for study in (*lenet.STUDIES, *null_2020.STUDIES, *networks.STUDIES, *what_makes_a_ticket.STUDIES)
}
