"""Scripts, notebooks, recipes and folders of them, and what is wrong with a file."""

import json

import pytest
import yaml

import kzoo
from kzoo import InputError, migrate
from tests.addons.guide import PAGE
from tests.test_rooms import loaded_after

IMPORT = "import tensorflow_addons as tfa\n"


def write(file, text: str):
    file.parent.mkdir(exist_ok=True)
    file.write_text(text)
    return file


def seen(path) -> list[tuple[str, str, str]]:
    return [(finding.place, finding.name, finding.kind) for finding in migrate(path)]


def notebook(*cells) -> str:
    return json.dumps({"cells": [{"cell_type": kind, "source": source} for kind, source in cells], "nbformat": 4})


def test_a_script(tmp_path):
    text = (
        f"{IMPORT}tfa.layers.TLU()\ntfa.losses.GIoU()\nopt = tfa.optimizers.MovingAverage('sgd')\ntfa.activations.mish(tfa.rnn.NASCell)\n"
    )
    assert seen(write(tmp_path / "a.py", text)) == [
        ("2", "layers.TLU", "none"),
        ("3", "losses.GIoU", "unknown"),
        ("4", "optimizers.MovingAverage", "similar"),
        ("5", "activations.mish", "equal"),
        ("5", "rnn.NASCell", "none"),
    ]
    unknown = migrate(tmp_path / "a.py")[1]
    assert (unknown.successor, unknown.advice) == (None, "tensorflow-addons has no such name. Did you mean losses.GIoULoss?")


def test_names_are_found_through_modules(tmp_path):
    text = f"{IMPORT}tfa.activations.gelu(1)\ntfa.activations.gelu.gelu(1)\ntfa.layers.crf.CRF.from_config({{}})\nf(tfa.layers)\n"
    assert seen(write(tmp_path / "a.py", text)) == [
        ("2", "activations.gelu", "equal"),
        ("3", "activations.gelu", "equal"),
        ("4", "layers.CRF", "none"),
        ("5", "layers", "unfollowed"),
    ]


def test_an_import_of_which_nothing_is_used(tmp_path):
    assert seen(write(tmp_path / "a.py", f"import os\n{IMPORT}")) == [("2", "tensorflow_addons", "none")]
    assert migrate(write(tmp_path / "b.py", "import os\n")) == []


def test_the_code_of_the_guide(tmp_path):
    names = ["layers.InstanceNormalization", "activations.gelu", "optimizers.Lookahead", "optimizers.RectifiedAdam"]
    before = PAGE.read_text().split("<!-- before -->\n```python\n")[1].split("```")[0]
    after = PAGE.read_text().split("<!-- after -->\n```python\n")[1].split("```")[0]
    assert [name for _, name, _ in seen(write(tmp_path / "a.py", before))] == [*names, "losses.SigmoidFocalCrossEntropy"]
    assert migrate(write(tmp_path / "a.py", after)) == []


def test_a_notebook(tmp_path):
    cells = [
        ("markdown", "tfa.layers.GELU"),
        ("code", ["%matplotlib inline\n", "!pip install tensorflow-addons\n", "files = !ls\n", IMPORT]),
        ("code", "%%bash\ntfa.layers.GELU"),
        ("code", "if x:\n    %time f()\ntfa.layers.GELU()"),
        ("code", "%%time\ntfa.layers.TLU()"),
    ]
    assert seen(write(tmp_path / "a.ipynb", notebook(*cells))) == [("4:3", "layers.GELU", "equal"), ("5:2", "layers.TLU", "none")]


def test_a_recipe(tmp_path):
    recipe = {"training": {"optimizer": {"tensorflow_addons.optimizers.Yogi": {"beta1": 0.9}}, "loss": "tensorflow_addons.losses.GIoULoss"}}
    found = seen(write(tmp_path / "a.yaml", yaml.safe_dump(recipe) + "---\nloss: [Addons>mish, mish]\n"))
    assert found == [("2", "losses.GIoULoss", "none"), ("4", "optimizers.Yogi", "none"), ("7", "activations.mish", "equal")]


def test_a_folder(tmp_path):
    use = f"{IMPORT}tfa.layers.GELU()\n"
    for name in ("a.py", ".venv/a.py", "site-packages/b.py", "c.txt"):
        write(tmp_path / name, use)
    write(tmp_path / "old" / "d.py", f"{IMPORT}print 'of Python 2'\n")
    write(tmp_path / "e.py", "print 'not about addons'\n")
    write(tmp_path / "f.ipynb", notebook(("code", use)))
    findings = migrate(tmp_path)
    assert [(finding.file.removeprefix(f"{tmp_path}/"), finding.place, finding.kind) for finding in findings] == [
        ("a.py", "2", "equal"),
        ("f.ipynb", "1:2", "equal"),
        ("old/d.py", "1", "unread"),
    ]
    assert findings[2].advice.startswith("line 2: expected Python 3. Received: Missing parentheses")


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.py", "x = (\n", r"a\.py, line 1: expected Python 3\. Received: '\(' was never closed\.$"),
        ("a.py", "x\0", r"a\.py.*: expected Python 3\. Received: source code .* null bytes\.$"),
        ("a.ipynb", "{", r"a\.ipynb: expected a notebook of format 4\. Received: JSONDecodeError: .*\.$"),
        ("a.ipynb", notebook(("code", "x\n1 +")), r"a\.ipynb, cell 1, line 2: expected Python 3\. Received: invalid syntax\.$"),
        ("a.yaml", "a: 1\nb: [\n", r"a\.yaml, line 3: expected YAML\. Received: .*\.$"),
        ("a.txt", "", r"a\.txt: expected a file that ends in \.py, .*\. Received: \.txt\.$"),
    ],
)
def test_a_file_that_is_something_else(tmp_path, name, text, message):
    with pytest.raises(InputError, match=message) as raised:
        migrate(write(tmp_path / name, text))
    assert "\n" not in str(raised.value)


def test_a_file_that_is_not_there(tmp_path):
    with pytest.raises(InputError, match=r"a\.py: expected a file or a folder"):
        kzoo.migrate(tmp_path / "a.py")


def test_nothing_heavy_is_loaded():
    assert not {"keras", "tensorflow", "tensorflow_addons"} & loaded_after("import kzoo; kzoo.migrate")[-1]
