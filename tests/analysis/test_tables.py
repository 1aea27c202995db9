"""The tables for the terminal."""

import keras
import pytest
from keras import layers
from rich.console import Console

import kzoo
from kzoo.analysis.tables import summarize
from kzoo.analysis.words import binary, short
from kzoo.stack import ops


def text_of(table, width: int = 200) -> str:
    console = Console(width=width)
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


def cells(text: str) -> list[list[str]]:
    """The cells of all lines, headings first."""
    rows = [line.strip().strip("┃│").replace("┃", "│").split("│") for line in text.splitlines() if line.startswith(("┃", "│"))]
    return [[cell.strip() for cell in row] for row in rows]


@pytest.fixture(scope="module")
def paper():
    return kzoo.profile(kzoo.build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid", dropout=[0, 0, 0, 0.5, 0.5]))


LEFT_OUT = {
    80: ["centre", "bytes", "total", "kind", "stride", "window, width"],
    100: ["centre", "bytes", "total", "kind", "stride"],
    120: ["centre", "bytes", "total"],
    160: [],
}


@pytest.mark.parametrize("width", LEFT_OUT)
def test_a_narrow_terminal_gets_fewer_columns_and_whole_names_and_numbers(paper, width):
    text = text_of(paper.table(), width)
    headings, *rows = cells(text)
    every = ["layer", "kind", "window, width", "output", "parameters", "total", "MACs", "field", "stride", "centre", "bytes"]
    assert headings == [heading for heading in every if heading not in LEFT_OUT[width]]
    assert max(map(len, text.splitlines())) <= width
    assert [row[0] for row in rows] == [layer.name for layer in paper.layers]
    numbers = [row[headings.index("parameters")] for row in rows]
    assert [int(number.replace(",", "") or 0) for number in numbers] == [layer.trainable for layer in paper.layers]
    note = f"left out for want of width: {', '.join(LEFT_OUT[width])}"
    assert (note in " ".join(text.split())) == bool(LEFT_OUT[width])


@pytest.mark.parametrize(("width", "left_out"), [(80, {"stride", "field", "MACs"}), (100, {"stride"}), (120, set()), (160, set())])
def test_a_narrow_stage_table_is_whole_too(paper, width, left_out):
    text = text_of(paper.stage_table(), width)
    headings, *rows = cells(text)
    assert {"stage", "layers", "output", "parameters", "MACs", "field", "stride"} - set(headings) == left_out
    assert max(map(len, text.splitlines())) <= width
    names = [row[0] for row in rows if row[0]]
    assert names == ["encoder1", "encoder2", "encoder3", "encoder4", "bottleneck", "decoder4", "decoder3", "decoder2", "decoder1"]
    numbers = [int(row[headings.index("parameters")].replace(",", "")) for row in rows if row[0]]
    assert sum(numbers) == 31_030_658


@pytest.mark.parametrize("width", [20, 40])
def test_on_the_narrowest_terminal_texts_go_on_in_the_next_line(paper, width):
    for table in (paper.table(), paper.stage_table()):
        assert "…" not in text_of(table, width)


def test_stage_table_leaves_out_what_has_no_window():
    """Two convolutions per stage, each with a norm and an activation, and one that halves the resolution."""
    builder = {"normalization": "instance", "activation": "leaky_relu", "downsampling": "strided_conv"}
    found = kzoo.profile(kzoo.build_unet(input_shape=(16, 16, 16, 1), num_classes=2, filters=4, depth=2, **builder))
    _, *rows = cells(text_of(found.stage_table()))
    assert [row[1] for row in rows[:3]] == ["[Conv3D 3x3x3, 4] x 2", "Conv3D 3x3x3 / 2, 4", "[Conv3D 3x3x3, 8] x 2"]


@pytest.mark.keras3
def test_stage_table_shows_windows_only():
    x = inputs = keras.Input((15, 15, 3))
    for layer in (
        layers.Rescaling(1.0),
        layers.LayerNormalization(),
        layers.PReLU(),
        layers.ELU(),
        layers.LeakyReLU(),
        layers.SpatialDropout2D(0.1),
        layers.GaussianNoise(1.0),
        layers.Cropping2D(1),
        kzoo.layers.PadToMultiple(4),
    ):
        x = layer(x)
    found = kzoo.profile(keras.Model(inputs, layers.Conv2D(2, 3)(ops.relu(x))))
    assert summarize(found.layers) == ["Conv2D 3x3, 2"]


def test_a_class_in_lower_case_is_no_markup():
    class swish(layers.Layer):  # noqa: N801
        def call(self, x):
            return x * 2

    inputs = keras.Input((8, 8, 1))
    assert "[swish] x 2" in text_of(kzoo.profile(keras.Model(inputs, swish()(swish()(inputs)))).stage_table())


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
