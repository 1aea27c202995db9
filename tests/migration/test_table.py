"""How a name leads to its row."""

import pytest

from kzoo.migration.table import find


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("layers.GELU", "layers.GELU"),
        ("layers.gelu.GELU", "layers.GELU"),
        ("register_all", "register_all"),
        ("rnn.NASCell", "rnn.*"),
        ("text.crf.crf_decode", "text.*"),
        ("image.utils.wrap", "image.utils.*"),
        ("optimizers.utils.fit_bn", "optimizers.utils.fit_bn"),
    ],
)
def test_a_name_has_a_row(name, row):
    assert find(name).name == row


@pytest.mark.parametrize("name", ["GELU", "layers", "layers.gelu", "layers.Gelu", "layers.nothing.GELU", "rnn", "nothing.GELU"])
def test_what_is_no_name_has_none(name):
    assert find(name) is None
