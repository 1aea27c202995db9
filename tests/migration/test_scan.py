"""Names of tensorflow-addons are found however they are imported, and nothing else is."""

import pytest

from kzoo.migration.scan import Scan

IMPORT = "import tensorflow_addons as tfa\n"


def paths(source: str) -> list[str]:
    scan = Scan()
    scan.read(source)
    return [path for _, path in scan.paths]


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow_addons as tfa\ntfa.layers.GELU()",
        "import tensorflow_addons\ntensorflow_addons.layers.GELU()",
        "import tensorflow_addons.layers\ntensorflow_addons.layers.GELU()",
        "import tensorflow_addons.layers as tl\ntl.GELU()",
        "from tensorflow_addons import layers\nlayers.GELU()",
        "from tensorflow_addons import layers as tl\ntl.GELU()",
        "from tensorflow_addons.layers import GELU",
        "import tensorflow_addons as tfa\ntl = tfa.layers\ntl.GELU()",
        "import tensorflow_addons as tfa\ngetattr(tfa.layers, 'GELU')()",
        "def build():\n    import tensorflow_addons as tfa\n    return tfa.layers.GELU()",
        "def early():\n    return tfa.layers.GELU()\ndef main():\n    global tfa\n    import tensorflow_addons as tfa",
        "def early():\n    return tl.GELU()\nimport tensorflow_addons as tfa\ntl = tfa.layers",
        "def build():\n    def block():\n        return tfa.layers.GELU()\n    import tensorflow_addons as tfa",
        "import tensorflow_addons as tfa\ndef build():\n    def block(tfa): ...\n    return tfa.layers.GELU()",
        "import tensorflow_addons as tfa\ndef build():\n    f = lambda tfa: tfa + 1\n    return tfa.layers.GELU()",
        "import tensorflow_addons as tfa\ndef build():\n    f = [tfa for tfa in x]\n    return tfa.layers.GELU()",
        "import tensorflow_addons as tfa\ndef build(tfa=tfa.layers.GELU): ...",
        "import tensorflow_addons as tfa\nclass A:\n    import keras as tfa\ntfa.layers.GELU()",
        "import tensorflow_addons as tfa\ndef build(x: 'list[tfa.layers.GELU]'): ...",
        "import tensorflow_addons as tfa\nx: 'tfa.layers.GELU' = 1",
        "def build(x: 'tensorflow_addons.layers.GELU'): ...",
        "x = 'tensorflow_addons.layers.GELU'",
        "x = f'tensorflow_addons.layers.GELU'",
        "x = 'Addons>GELU'",
    ],
)
def test_a_name_is_found(source):
    assert paths(source) == ["layers.GELU"]


def test_a_name_that_was_imported_counts_wherever_it_stands():
    scan = Scan()
    scan.read("from tensorflow_addons.optimizers import Lookahead as L\nx = L('sgd')\ny = [L]\n")
    assert scan.paths == [(1, "optimizers.Lookahead"), (2, "optimizers.Lookahead"), (3, "optimizers.Lookahead")]


@pytest.mark.parametrize(
    "source",
    [
        "import tensorflow as tfa\ntfa.layers.GELU()",
        "from .tensorflow_addons import layers\nlayers.GELU()",
        "'''tensorflow_addons.layers.GELU was here'''",
        "from tensorflow_addons import losses\ndef train():\n    losses = []\n    losses.append(1)\n",
        "from tensorflow_addons import losses\ndef train(losses):\n    losses.append(1)\n",
        "from tensorflow_addons import losses\ndef train(losses):\n    def step():\n        losses.append(1)\n",
        "from tensorflow_addons import losses\ndef train():\n    from keras import losses\n    losses.Dice()\n",
        "from tensorflow_addons import losses\nx = [losses.append(1) for losses in y]\n",
        "from tensorflow_addons import losses\ndef train():\n    try: ...\n    except E as losses: losses.args\n",
        "class A:\n    from tensorflow_addons import losses\nlosses.append(1)\n",
        "losses = []\nlosses.append(1)\nfrom tensorflow_addons import losses\n",
        "find_spec('tensorflow_addons')",
    ],
)
def test_what_is_no_name_is_not(source):
    assert paths(source) == []


@pytest.mark.parametrize(
    "code",
    [
        "from tensorflow_addons.layers import *",
        "getattr(tfa.layers, name)",
        "importlib.import_module('tensorflow_addons')",
        "__import__('tensorflow_addons')",
        "exec('import tensorflow_addons')",
        "f'Addons>{x}'",
        "f'tensorflow_addons.{x}'",
        "'Addons>'",
        "'Addons>%s'",
        "'tensorflow_addons.layers.'",
    ],
)
def test_what_cannot_be_followed_is_kept(code):
    scan = Scan()
    scan.read(f"{IMPORT}{code}")
    assert scan.unfollowed == [(2, code)]
    assert scan.paths == []


@pytest.mark.parametrize("code", ["import tensorflow_addons as inner", "from tensorflow_addons import layers", "inner = tfa.layers"])
def test_what_a_class_keeps_is_an_attribute(code):
    scan = Scan()
    scan.read(f"{IMPORT}class Net:\n    {code}\n    def f(self):\n        return self.inner.layers.GELU()\n")
    assert (scan.unfollowed, scan.paths) == ([(3, code)], [])


@pytest.mark.parametrize("code", ["self.inner = tfa", "sys.modules['tensorflow_addons']"])
def test_addons_as_a_whole_has_no_name(code):
    assert paths(f"{IMPORT}{code}") == [""]


def test_an_argument_of_getattr_is_read_too():
    assert paths(f"{IMPORT}getattr(tfa.losses, 'GIoULoss', tfa.losses.giou_loss)") == ["losses.GIoULoss", "losses.giou_loss"]


def test_warnings_of_a_script_are_its_own(recwarn):
    paths(IMPORT + "x = '\\d'\n")
    assert not recwarn.list
