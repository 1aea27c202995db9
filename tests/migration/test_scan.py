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
        "x = 'tensorflow_addons.layers.GELU'",
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
        "find_spec('tensorflow_addons')",
    ],
)
def test_what_is_no_name_is_not(source):
    assert paths(source) == []


@pytest.mark.parametrize(
    "code",
    ["from tensorflow_addons.layers import *", "getattr(tfa.layers, name)", "importlib.import_module('tensorflow_addons')"],
)
def test_what_cannot_be_followed_is_kept(code):
    scan = Scan()
    scan.read(f"{IMPORT}{code}")
    assert scan.unfollowed == [(2, code)]
    assert scan.paths == []


def test_an_argument_of_getattr_is_read_too():
    assert paths(f"{IMPORT}getattr(tfa.losses, 'GIoULoss', tfa.losses.giou_loss)") == ["losses.GIoULoss", "losses.giou_loss"]


def test_warnings_of_a_script_are_its_own(recwarn):
    paths(IMPORT + "x = '\\d'\n")
    assert not recwarn.list
