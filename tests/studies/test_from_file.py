import shutil
import sys
from pathlib import Path

import own
import pytest

from lth import records
from lth.errors import LthError
from lth.running import complete
from lth.studies import from_file
from lth.studies.parameters import parse_arms, study

STUDY = """
trials = 2
levels = 2
arms = "ticket,reinit"

[recipe]
name = "clouds"
network = "own:Net"
data = "own:clouds"
preprocessing = "none"
batch_size = 20
iterations = 20
eval_every = 10
train_eval_every = 20
validation_size = 60

[recipe.pruning]
criterion = "own:initial_times_final"
linear = 0.3
"""


@pytest.fixture
def file(tmp_path, monkeypatch):
    monkeypatch.setenv("LTH_DATA", str(tmp_path / "data"))
    path = tmp_path / "my-study.toml"
    path.write_text(STUDY)
    return path


def test_a_study_is_read_trained_once_and_published(file, scheduler):
    mine = study(str(file))
    (recipe,) = mine.recipes
    assert (mine.name, mine.trials, mine.levels, len(mine.runs())) == ("my-study", 2, 2, 12)
    assert recipe.model is own.Net and recipe.shape == (20,) and recipe.classes == 3
    assert recipe.pruning.linear == 0.3 and recipe.pruning.criterion is own.initial_times_final
    assert {name for name, _ in recipe.sources} == {"criterion", "data", "network"}
    assert complete.train(mine, scheduler=scheduler) == 12 and complete.train(study(str(file))) == 0
    records.publish(mine.name, mine.runs())
    assert len(records.load("my-study").runs) == 12
    assert study(str(file), trials=1).trials == 1


def test_another_text_of_the_module_is_another_key(file, tmp_path, monkeypatch):
    module = tmp_path / "mine.py"
    shutil.copy(own.__file__, module)
    file.write_text(STUDY.replace("own:", "mine:"))
    keys = set()
    for _ in range(2):
        sys.modules.pop("mine", None)
        keys.add(study(str(file)).runs()[0].key)
        module.write_text(module.read_text() + "\n# mended\n")
    sys.modules.pop("mine")
    sys.path.remove(str(tmp_path))
    assert len(keys) == 2


@pytest.mark.parametrize(
    ("old", "new", "says"),
    [
        ("levels = 2", "level = 2", "unknown key 'level', perhaps 'levels'"),
        ("iterations = 20", "iteratons = 20", "unknown key 'iteratons', perhaps 'iterations'"),
        ("linear = 0.3", "liner = 0.3", "unknown key 'liner', perhaps 'linear'"),
        ("linear = 0.3", "linear = 1.3", "my-study.toml: the pruning rate of linear layers must be .* not 1.3"),
        ("linear = 0.3", 'linear = "a"', "my-study.toml: the pruning rate of linear .* not 'a'"),
        ("iterations = 20", "drift_at = 5", "drift_at a tuple, not .* 5"),
        ("trials = 2", "trials = 0", "trials must be .* at least 1, not 0"),
        ("levels = 2", "levels = 2.5", "levels must be a whole number"),
        ("trials = 2", "trials = ", "cannot be read as TOML"),
        ("own:Net", "owl:Net", "'owl:Net' cannot be imported: No module named 'owl'"),
        ("own:Net", "own:Nett", "the module 'own' has no 'Nett'"),
        ("own:Net", "own:SHORT", "must be a class or function, not Recipe"),
        ("own:clouds", "mnits", "'mnits'"),
        ("own:clouds", "own:Net", "must be an lth.Data, not Net"),
        ('"ticket,reinit"', '"ticket,reinits"', "unknown arm 'reinits'"),
        ('name = "clouds"', 'base = "lnet"', "'lnet'.*lenet, conv2"),
        ("trials = 2", 'name = "lenet"', "there is a study 'lenet' already"),
        ("trials = 2", 'name = "My Study"', "small letters, digits and hyphens, not 'My Study'"),
    ],
)
def test_what_is_wrong_with_a_file_is_told_in_one_sentence(file, old, new, says):
    assert old in STUDY
    file.write_text(STUDY.replace(old, new))
    with pytest.raises(LthError, match=says) as refused:
        study(str(file))
    assert "\n" not in str(refused.value)


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(LthError, match="there is no .*nowhere.toml"):
        from_file.read(Path(tmp_path / "nowhere.toml"), parse_arms)


def test_several_recipes_need_names_of_their_own(file):
    file.write_text('[[recipe]]\nbase = "lenet"\n[[recipe]]\nbase = "lenet"\nnetwork = "fc-20"\n')
    with pytest.raises(LthError, match="names of their own, not lenet, lenet"):
        study(str(file))
    file.write_text('[[recipe]]\nbase = "lenet"\n[[recipe]]\nname = "small"\nnetwork = "fc-20"\n')
    assert [recipe.name for recipe in study(str(file)).recipes] == ["lenet", "small"]
