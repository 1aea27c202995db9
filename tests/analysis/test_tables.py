"""The tables for the terminal."""

import keras
import pytest
from rich.console import Console

import kzoo
from kzoo.analysis.words import binary, short


def text_of(table) -> str:
    console = Console(width=200)
    with console.capture() as capture:
        console.print(table)
    return capture.get()


@pytest.fixture(scope="module")
def unet():
    return kzoo.profile(kzoo.build_unet(input_shape=(32, 32, 1), num_classes=2, filters=4, depth=2))


def test_layer_table_has_a_row_per_layer_and_a_section_per_stage(unet):
    table = unet.table()
    assert table.row_count == len(unet.layers)
    assert sum(row.end_section for row in table.rows) == 5
    text = text_of(table)
    assert "encoder1_conv1" in text
    assert "36.86 k" in text


def test_stage_table_names_stages_as_the_builder_does(unet):
    assert list(unet.stage_table().columns[0]._cells) == ["encoder1", "encoder2", "bottleneck", "decoder2", "decoder1"]


def test_stage_table_folds_repeated_blocks():
    text = text_of(kzoo.profile(keras.applications.ResNet50(weights=None)).stage_table())
    assert "Conv2D 7x7 / 2, 64" in text
    assert "x 5" in text


def test_the_mark_of_global_fields_is_explained():
    legend = "* global: every position sees the whole input; the number is the field before that"
    found = kzoo.profile(kzoo.build_cnn(input_shape=(16, 16, 1), num_classes=2, filters=2))
    for table in (found.table(), found.stage_table()):
        assert legend in text_of(table)
        assert " * │" in text_of(table)


def test_what_a_layer_holds_inside_stands_beside_its_output():
    """A separable convolution whose depthwise part answers with 6 x 6 x 4 numbers, its pointwise part with 6 x 6 x 2."""
    found = kzoo.profile(keras.Sequential([keras.Input((8, 8, 4)), keras.layers.SeparableConv2D(2, 3)]))
    assert "288 B + 576 B │" in text_of(found.table())
    assert "+ bytes that a layer holds inside itself while it runs" in text_of(found.table())
    assert "+" not in text_of(found.stage_table())


def test_no_legend_without_a_mark(unet):
    assert "*" not in text_of(unet.table())


def test_unknown_numbers_are_question_marks():
    profile = kzoo.profile(kzoo.build_unet(input_shape=(None, None, 1), num_classes=2, filters=2, depth=1))
    assert "?" in text_of(profile.table())


def test_parameters_of_the_stages(unet):
    """Kernels and biases, by hand."""
    encoder, decoder = [40 + 148, 296 + 584, 1168 + 2320], [520 + 1160 + 584, 132 + 292 + 148 + 10]
    column = unet.stage_table().columns[3]
    assert column.header == "parameters"
    assert list(column._cells) == [f"{count:,}" for count in encoder + decoder]


def test_units():
    assert [short(n) for n in (999, 1_500, 2_440_000, 4_089_200_000)] == ["999", "1.50 k", "2.44 M", "4.09 G"]
    assert [binary(n) for n in (12, 2048, 5 * 2**20, 3 * 2**30)] == ["12 B", "2.0 KiB", "5.0 MiB", "3.0 GiB"]
