"""How a name leads to its row."""

import pytest

from kzoo.migration.table import find, packages


@pytest.mark.parametrize(
    ("name", "row"),
    [
        ("layers.GELU", "layers.GELU"),
        ("layers.gelu.GELU", "layers.GELU"),
        ("register_all", "register_all"),
        ("rnn.NASCell", "rnn.*"),
        ("text.crf.crf_decode", "text.*"),
        ("image.utils.wrap", "image.utils.*"),
        ("utils.types.TensorLike", "utils.types.*"),
        ("utils.resource_loader.LazySO", "utils.*"),
        ("optimizers.utils.fit_bn", "optimizers.utils.fit_bn"),
    ],
)
def test_a_name_has_a_row(name, row):
    assert find(name).name == row


def test_a_type_has_the_advice_of_types_wherever_it_comes_from():
    assert find("utils.types.TensorLike").note == find("types.TensorLike").note
    assert "utils.types" in packages()


@pytest.mark.parametrize("name", ["GELU", "layers", "layers.gelu", "layers.Gelu", "layers.nothing.GELU", "rnn", "nothing.GELU"])
def test_what_is_no_name_has_none(name):
    assert find(name) is None
