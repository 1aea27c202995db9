"""Drawings: what they show is what the model is, and it can be read."""

import itertools

import keras
import pytest
from keras import layers
from matplotlib.backends.backend_agg import FigureCanvasAgg

from kzoo import ArgumentError, InputError, build_cnn, build_googlenet, build_preset, build_unet, draw
from kzoo.analysis import save_figure
from kzoo.analysis.drawing.scene import read_scene


def small_unet(**settings):
    arguments = {"input_shape": (64, 64, 1), "num_classes": 2, "filters": 8, "depth": 2}
    return build_unet(**arguments | settings)


def kinds(scene):
    counts = {}
    for box in scene.boxes[1:]:
        counts[box.made.kind] = counts.get(box.made.kind, 0) + 1
    return counts


@pytest.fixture(scope="module")
def paper():
    return build_unet(input_shape=(572, 572, 1), num_classes=2, padding="valid")


@pytest.fixture(scope="module")
def paper_scene(paper):
    return read_scene(paper)


def test_every_box_of_the_2015_figure(paper_scene):
    contracting = "1 64 64 | 64 128 128 | 128 256 256 | 256 512 512 | 512 1024 1024"
    expanding = "1024 512 512 | 512 256 256 | 256 128 128 | 128 64 64 2"
    channels = [int(word) for word in f"{contracting} {expanding}".split() if word != "|"]
    assert [box.channels for box in paper_scene.boxes] == channels
    down = "572 570 568 284 282 280 140 138 136 68 66 64 32 30 28"
    up = "56 54 52 104 102 100 200 198 196 392 390 388 388"
    assert [box.label for box in paper_scene.boxes] == [f"{size}²" for size in f"{down} {up}".split()]


def test_every_arrow_of_the_2015_figure(paper_scene):
    assert kinds(paper_scene) == {"conv": 18, "pool": 4, "up_conv": 4, "pointwise": 1}
    texts = {box.made.text for box in paper_scene.boxes[1:]}
    assert texts == {"conv 3×3, ReLU", "max pool 2×2", "up-conv 2×2", "conv 1×1, softmax"}


def test_the_crops_of_the_2015_figure(paper_scene):
    assert [skip.crop for skip in paper_scene.skips] == [(56, 56), (104, 104), (200, 200), (392, 392)]
    for skip in paper_scene.skips:
        assert paper_scene.crosses(skip)
        assert skip.text(crosses=True) == "copy and crop"
        joined = paper_scene.boxes[skip.target]
        assert [(part.channels, part.skipped) for part in joined.parts] == [(joined.channels // 2, True), (joined.channels // 2, False)]
        assert paper_scene.boxes[skip.source].channels == joined.channels // 2


@pytest.mark.parametrize(("depth", "blocks"), [(1, 1), (2, 3), (4, 2), (6, 2)])
@pytest.mark.parametrize("skip", ["concat", "add", "attention", "none"])
def test_boxes_follow_from_the_hyperparameters(depth, blocks, skip):
    model = small_unet(depth=depth, blocks=blocks, skip=skip, filters=2, padding="same")
    scene = read_scene(model, "layers")
    assert scene.is_u
    assert len(scene.boxes) == 1 + blocks * (2 * depth + 1) + 2 * depth + 1
    assert kinds(scene) == {"conv": blocks * (2 * depth + 1), "pool": depth, "up_conv": depth, "pointwise": 1}
    assert len(scene.skips) == (0 if skip == "none" else depth)
    assert all(found.gated == (skip == "attention") and not found.crop for found in scene.skips)
    assert {found.merge for found in scene.skips} <= {"add" if skip == "add" else "concatenate"}


@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        ({"downsampling": "strided_conv"}, ("strided_conv", "conv 3×3, stride 2, ReLU")),
        ({"downsampling": "blur_pool"}, ("pool", "max pool 2×2, blur pool 3×3, stride 2")),
        ({"downsampling": "avg_pool", "strides": 4, "depth": 1}, ("pool", "average pool 4×4")),
        ({"upsampling": "nearest"}, ("up", "nearest 2×2, conv 3×3")),
        ({"upsampling": "bilinear"}, ("up", "bilinear 2×2, conv 3×3")),
        ({"upsampling": "pixel_shuffle"}, ("up", "pixel shuffle 2×2")),
        ({"upsampling": "max_unpool"}, ("up", "max unpool 2×2")),
        ({"downsampling": "strided_first_conv"}, ("strided_conv", "conv 3×3, stride 2, ReLU")),
        ({"convolution": "separable", "dilation": 2}, ("conv", "separable conv 3×3, dilation 2, ReLU")),
        ({"block_order": "norm-act-conv", "normalization": "batch", "upsampling": "nearest"}, ("up", "nearest 2×2, conv 3×3")),
        ({"normalization": "batch", "activation": "elu"}, ("conv", "conv 3×3, batch norm, ELU")),
        ({"normalization": "instance"}, ("conv", "conv 3×3, instance norm, ReLU")),
        ({"kernel_size": [(3, 5)] * 3}, ("conv", "conv 3×5, ReLU")),
        ({"num_classes": 1}, ("pointwise", "conv 1×1, sigmoid")),
        ({"input_shape": (64, 1)}, ("up_conv", "up-conv 2")),
        ({"input_shape": (8, 16, 16, 1), "strides": [(1, 2, 2), 2]}, ("pool", "max pool 1×2×2")),
    ],
)
def test_the_words_of_the_legend(settings, expected):
    scene = read_scene(small_unet(**settings))
    assert expected in {(box.made.kind, box.made.text) for box in scene.boxes}


def test_normalization_and_dropout_add_no_boxes():
    plain, full = (read_scene(small_unet(**s)) for s in ({}, {"normalization": "group", "dropout": 0.2}))
    assert [(b.channels, b.label) for b in plain.boxes] == [(b.channels, b.label) for b in full.boxes]


def test_sizes_that_are_not_fixed():
    scene = read_scene(small_unet(input_shape=(None, None, 1), depth=1, blocks=1))
    assert [box.label for box in scene.boxes] == ["n²", "n²", "(n/2)²", "(n/2)²", "n²", "n²", "n²"]
    valid = read_scene(small_unet(input_shape=(None, None, 1), depth=1, blocks=1, padding="valid"))
    labels = ["n²", "(n−2)²", "((n−2)/2)²", "((n−6)/2)²", "(n−6)²", "(n−8)²", "(n−8)²"]
    assert [box.label for box in valid.boxes] == labels


@pytest.mark.parametrize("upsampling", ["transposed_conv", "max_unpool"])
def test_padding_to_a_multiple_and_unpooling_keep_the_u(upsampling):
    """The maps between padding and cutting back have their own size; what only sets a size is no path."""
    scene = read_scene(small_unet(input_shape=(61, 64, 1), depth=1, blocks=1, upsampling=upsampling))
    labels = [box.label for box in scene.boxes]
    assert scene.is_u
    assert (labels[0], labels[1], labels[-1]) == ("61×64", "62×64", "61×64")
    assert len(scene.skips) == 1
    deep = read_scene(small_unet(input_shape=(None, None, 1), depth=3, deep_supervision=2, upsampling=upsampling))
    assert deep.is_u
    assert (deep.outputs, len(deep.skips), deep.boxes[-1].label) == (3, 3, "n²")


def test_one_fixed_axis():
    scene = read_scene(small_unet(input_shape=(None, 64, 1), depth=1, blocks=1))
    assert [box.label for box in scene.boxes][:3] == ["n×64", "n×64", "n/2×32"]


def test_a_classifier_is_a_strip():
    scene = read_scene(build_cnn(input_shape=(28, 28, 1), num_classes=10))
    assert not scene.is_u
    assert [(box.channels, box.label) for box in scene.boxes] == [
        (1, "28²"),
        (32, "28²"),
        (32, "14²"),
        (64, "14²"),
        (64, "7²"),
        (3136, ""),
        (128, ""),
        (10, ""),
    ]
    assert kinds(scene) == {"conv": 2, "pool": 2, "flatten": 1, "dense": 2}


def test_vgg16():
    scene = read_scene(keras.applications.VGG16(weights=None, input_shape=(64, 64, 3), classes=10))
    assert kinds(scene) == {"conv": 13, "pool": 5, "flatten": 1, "dense": 3}
    assert [box.channels for box in scene.boxes if not box.sizes] == [2048, 4096, 4096, 10]


def test_resnet50_by_stages():
    """1 + 10 + 13 + 19 + 10 convolutions, those of the shortcuts included: 53."""
    scene = read_scene(keras.applications.ResNet50(weights=None, input_shape=(224, 224, 3)))
    stages = [(box.channels, box.label, box.count) for box in scene.boxes]
    assert stages == [
        (3, "224²", 0),
        (64, "112²", 0),
        (256, "56²", 10),
        (512, "28²", 13),
        (1024, "14²", 19),
        (2048, "7²", 10),
        (2048, "", 0),
        (1000, "", 0),
    ]


def residual(x, filters, strides=1):
    y = layers.ReLU()(layers.BatchNormalization()(layers.Conv2D(filters, 3, strides, padding="same")(x)))
    y = layers.BatchNormalization()(layers.Conv2D(filters, 3, padding="same")(y))
    shortcut = x if strides == 1 else layers.Conv2D(filters, 1, strides)(x)
    return layers.ReLU()(layers.Add()([y, shortcut]))


def test_shortcuts_within_a_stage():
    inputs = keras.Input((32, 32, 8))
    x = residual(residual(inputs, 8), 16, strides=2)
    scene = read_scene(keras.Model(inputs, layers.Dense(3)(layers.GlobalAveragePooling2D()(x))))
    assert [(skip.source, skip.target) for skip in scene.skips] == [(0, 2), (2, 4)]
    assert [skip.text(scene.crosses(skip)) for skip in scene.skips] == ["shortcut, add", "shortcut, conv 1×1, stride 2, add"]


def test_squeeze_and_excitation_is_no_u():
    inputs = x = keras.Input((32, 32, 8))
    x = layers.Conv2D(8, 3, padding="same")(x)
    weights = layers.Conv2D(8, 1, activation="sigmoid")(
        layers.Conv2D(2, 1, activation="relu")(layers.GlobalAveragePooling2D(keepdims=True)(x))
    )
    x = layers.Conv2D(16, 3, 2, padding="same")(layers.Multiply()([x, weights]))
    scene = read_scene(keras.Model(inputs, x))
    assert not scene.is_u
    assert [box.channels for box in scene.boxes] == [8, 8, 16]


def user_unet(crop):
    """A plain Keras U-Net by somebody else, with generated layer names."""
    inputs = keras.Input((100, 100, 1))
    skip = layers.Conv2D(8, 3, activation="relu")(inputs)
    x = layers.Activation("relu")(layers.BatchNormalization()(layers.Conv2D(16, 3)(layers.MaxPooling2D()(skip))))
    x = layers.Conv2DTranspose(8, 2, strides=2)(x)
    x = layers.Concatenate()([crop(skip), x])
    return keras.Model(inputs, layers.Conv2D(3, 1)(x))


@pytest.mark.parametrize("crop", [layers.Cropping2D(2), lambda x: x[:, 2:-2, 2:-2]])
def test_any_keras_unet(crop):
    scene = read_scene(user_unet(crop))
    assert [(box.channels, box.label) for box in scene.boxes] == [(1, "100²"), (8, "98²"), (8, "49²"), (16, "47²"), (16, "94²"), (3, "94²")]
    assert [(skip.source, skip.target, skip.crop) for skip in scene.skips] == [(1, 4, (94, 94))]


def test_nested_and_sequential_models_are_opened():
    inner = keras.Sequential([keras.Input((None, None, 4)), layers.Conv2D(4, 3, padding="same"), layers.MaxPooling2D()], name="inner")
    inputs = keras.Input((32, 32, 4))
    scene = read_scene(keras.Model(inputs, inner(inner(inputs))))
    assert [box.label for box in scene.boxes] == ["32²", "32²", "16²", "16²", "8²"]


def test_channels_first():
    inputs = keras.Input((3, 32, 32))
    x = layers.MaxPooling2D(data_format="channels_first")(layers.Conv2D(8, 3, padding="same", data_format="channels_first")(inputs))
    assert [(b.channels, b.label) for b in read_scene(keras.Model(inputs, x)).boxes] == [(3, "32²"), (8, "32²"), (8, "16²")]


def test_an_autoencoder_through_a_vector_is_a_u():
    inputs = keras.Input((28, 28, 1))
    x = layers.Dense(16)(layers.Flatten()(layers.Conv2D(4, 3, 2, padding="same")(inputs)))
    x = layers.Conv2DTranspose(1, 2, 2)(layers.Reshape((14, 14, 4))(layers.Dense(784)(x)))
    scene = read_scene(keras.Model(inputs, x))
    assert scene.is_u
    assert [box.label for box in scene.boxes] == ["28²", "14²", "", "", "", "14²", "28²"]


def test_a_network_of_vectors():
    inputs = keras.Input((10,))
    scene = read_scene(keras.Model(inputs, layers.Dense(3)(layers.Dense(20, "relu")(inputs))))
    assert [(box.channels, box.label, box.made.text) for box in scene.boxes] == [(10, "", ""), (20, "", "dense, ReLU"), (3, "", "dense")]


def test_an_empty_network_is_one_box():
    inputs = keras.Input((8, 8, 3))
    assert len(artists(draw(keras.Model(inputs, inputs)), "box")) == 1


def test_one_of_several_outputs_is_drawn_and_said_so():
    inputs = keras.Input((8, 8, 3))
    x = layers.Conv2D(4, 3)(inputs)
    figure = draw(keras.Model(inputs, [layers.Conv2D(2, 1)(x), layers.Conv2D(5, 1)(layers.Conv2D(4, 3)(x))]))
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert "5" in texts
    assert "main output shown, 1 more not drawn" in texts
    assert "…" not in texts


def test_the_main_output_is_drawn_where_an_auxiliary_head_has_a_longer_path():
    """Behind the module that the second head follows come a module of two convolutions, the pooling and the classifier."""
    row = [8, 8, 16, 8, 8, 8]
    model = build_googlenet(input_shape=(64, 64, 1), num_classes=5, modules=[[row], [row, row, row]], auxiliary_heads=True)
    scene = read_scene(model, "layers")
    assert (scene.outputs, kinds(scene)["global_pool"], kinds(scene).get("flatten")) == (3, 1, None)
    assert [box.channels for box in scene.boxes if box.parts] == [40] * 4


def test_the_1998_lenet_says_every_activation():
    texts = [box.made.text for box in read_scene(build_preset("lenet5_1998")).boxes[1:]]
    stages = ["conv 5×5, scaled tanh", "trainable pool 2×2, scaled tanh", "conv 5×5 by a table, scaled tanh"]
    assert texts[:4] == [*stages, stages[1]]
    assert texts[4:] == [stages[0], "flatten", "dense, scaled tanh", "radial basis, softmax"]


def test_a_custom_layer_is_named():
    inputs = keras.Input((8, 8, 3))
    scene = read_scene(keras.Model(inputs, Halves()(inputs)))
    assert [(box.label, box.made.text) for box in scene.boxes] == [("8²", ""), ("4²", "halves")]


def test_a_layer_of_unknown_kind_that_keeps_the_shape_is_named():
    """On the arrow of the layer before; on one of its own behind the input and behind a merge."""
    x = inputs = keras.Input((8, 8, 3))
    x = Keeps()(x)
    x = layers.MaxPooling2D()(Keeps()(layers.Conv2D(3, 3, padding="same", activation="relu")(x)))
    skip = x = layers.Lambda(lambda t: 2 * t, output_shape=(4, 4, 3))(x)
    x = layers.Conv2D(3, 1)(x)
    x = Keeps()(layers.Add()([x, Keeps()(skip)]))
    scene = read_scene(keras.Model(inputs, layers.Identity()(x)))
    made = ["", "keeps", "conv 3×3, ReLU, keeps", "max pool 2×2, lambda", "conv 1×1", "keeps"]
    assert [box.made.text for box in scene.boxes] == made
    assert [(skip.source, skip.target, skip.text(crosses=False)) for skip in scene.skips] == [(3, 4, "shortcut, keeps, add")]
    texts = [text.get_text() for text in draw(keras.Model(inputs, x)).axes[0].texts]
    assert {"keeps", "conv 3×3, ReLU, keeps", "max pool 2×2, lambda"} <= set(texts)


@keras.saving.register_keras_serializable("tests")
class Keeps(keras.layers.Layer):
    def call(self, x):
        return x * 2


@keras.saving.register_keras_serializable("tests")
class Halves(keras.layers.Layer):
    def call(self, x):
        return x[:, ::2, ::2]


def artists(figure, prefix):
    return [patch for patch in figure.axes[0].patches if (patch.get_gid() or "").startswith(prefix)]


def test_the_figure_shows_the_scene(paper, paper_scene):
    figure = draw(paper)
    assert len(artists(figure, "box")) == len(paper_scene.boxes)
    assert len(artists(figure, "arrow-")) == len(paper_scene.boxes) - 1
    assert len(artists(figure, "arrow-conv")) == 18
    assert len(artists(figure, "skip")) == len(artists(figure, "crop")) == 4
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert texts.count("1024") == 3
    assert all(f"{size}²" in texts for size in (572, 284, 140, 68, 32, 28, 388))


def test_boxes_are_scaled(paper, paper_scene):
    """Heights as the root of the size, widths as the root of the channels, above a least width."""
    boxes = artists(draw(paper), "box")
    heights = [patch.get_height() / box.sizes[0] ** 0.5 for patch, box in zip(boxes, paper_scene.boxes, strict=True)]
    assert max(heights) == pytest.approx(min(heights))
    widths = [p.get_width() / b.channels**0.5 for p, b in zip(boxes, paper_scene.boxes, strict=True) if b.channels >= 128]
    assert max(widths) == pytest.approx(min(widths))


def test_dashes_show_what_the_crop_leaves(paper, paper_scene):
    figure = draw(paper)
    boxes, crops = artists(figure, "box"), artists(figure, "crop")
    for skip, crop in zip(paper_scene.skips, crops, strict=True):
        left = skip.crop[0] / paper_scene.boxes[skip.source].sizes[0]
        assert crop.get_height() / boxes[skip.source].get_height() == pytest.approx(left**0.5)


@pytest.mark.parametrize(("name", "page"), [("paper", 7.0), ("cnn", 3.6)])
def test_figures_fit_a_page(name, page, paper):
    model = paper if name == "paper" else build_cnn(input_shape=(28, 28, 1), num_classes=10)
    assert draw(model).get_figwidth() <= page


def overlaps(figure) -> list:
    """Texts that touch each other, a box, an arrow or the edge of the page."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer, bounds = canvas.get_renderer(), figure.bbox
    texts = [(text.get_text(), text.get_window_extent(renderer)) for text in figure.axes[0].texts]
    marks = [(p.get_gid(), p.get_window_extent(renderer)) for prefix in ("box", "arrow", "skip") for p in artists(figure, prefix)]
    close = [(a, b) for (a, one), (b, two) in itertools.combinations(texts, 2) if one.padded(-1).overlaps(two.padded(-1))]
    close += [(a, b) for a, one in texts for b, two in marks if not a.startswith("×") and one.padded(-1).overlaps(two)]
    return close + [
        name for name, box in texts + marks if box.x0 < -1 or box.y0 < -1 or box.x1 > bounds.width + 1 or box.y1 > bounds.height + 1
    ]


@pytest.mark.parametrize("detail", ["layers", "stages"])
@pytest.mark.parametrize(
    "settings",
    [
        {"depth": 4, "filters": 64, "padding": "valid", "input_shape": (572, 572, 1)},
        {"depth": 1, "blocks": 1, "skip": "none"},
        {"depth": 1, "blocks": 4, "skip": "attention", "normalization": "batch"},
        {"depth": 6, "filters": [2, 4, 200, 8, 100, 1000, 16], "blocks": 1},
        {"depth": 3, "filters": 100, "skip": "add", "downsampling": "blur_pool", "upsampling": "bilinear"},
        {"depth": 2, "input_shape": (None, None, 1), "padding": "valid", "upsampling": "nearest", "skip": "attention"},
        {"depth": 3, "input_shape": (32, 128, 128, 1), "strides": [(1, 2, 2), 2, 2], "upsampling": "pixel_shuffle"},
        {"depth": 2, "input_shape": (1024, 12), "downsampling": "strided_conv", "normalization": "group"},
    ],
)
def test_nothing_overlaps_in_a_u(settings, detail):
    assert overlaps(draw(small_unet(**settings), detail=detail)) == []


@pytest.mark.parametrize("detail", ["layers", "stages"])
@pytest.mark.parametrize(
    "settings",
    [
        {},
        {"blocks": 3, "depth": 4, "filters": [3, 100, 10, 200], "dense": [1000, 10], "normalization": "batch"},
        {"pooling": "avg", "dense": [], "padding": "valid", "downsampling": "strided_conv"},
        {"input_shape": (None, None, 3), "pooling": "max"},
    ],
)
def test_nothing_overlaps_in_a_strip(settings, detail):
    model = build_cnn(**{"input_shape": (64, 64, 1), "num_classes": 10} | settings)
    assert overlaps(draw(model, detail=detail)) == []


def test_nothing_overlaps_in_networks_of_others():
    inputs = keras.Input((32, 32, 8))
    x = residual(residual(inputs, 8), 16, strides=2)
    for model in (keras.Model(inputs, layers.Dense(3)(layers.Flatten()(x))), user_unet(layers.Cropping2D(2))):
        assert overlaps(draw(model)) == []


def test_text_in_svg_is_text(paper, tmp_path):
    text = save_figure(draw(paper), tmp_path / "u.svg").read_text()
    for word in ("572²", "388²", "1024", "conv 3×3, ReLU", "copy and crop"):
        assert f">{word}</text>" in text


def test_the_same_figure_twice_is_the_same_file(paper, tmp_path):
    one, two = (save_figure(draw(paper), tmp_path / name).read_bytes() for name in ("a.svg", "b.svg"))
    assert one == two


def test_no_folder_is_made(paper, tmp_path):
    with pytest.raises(InputError, match="cannot be written"):
        save_figure(draw(paper), tmp_path / "nowhere" / "u.svg")
    assert not list(tmp_path.iterdir())


def test_other_formats_are_refused(paper, tmp_path):
    with pytest.raises(InputError, match=r"u.jpg: expected a file that ends in .svg, .pdf, .png. Received: .jpg."):
        save_figure(draw(paper), tmp_path / "u.jpg")


class Opaque(keras.Model):
    def call(self, x):
        return x


def test_a_model_without_a_graph_is_refused():
    with pytest.raises(ArgumentError, match=r"model: expected a built functional or sequential keras.Model. Received: Opaque"):
        draw(Opaque())


def test_several_inputs_are_refused():
    inputs = [keras.Input((4, 4, 1), name=name) for name in ("a", "b")]
    with pytest.raises(ArgumentError, match=r"model: expected one input. Received: 2, a, b."):
        draw(keras.Model(inputs, layers.Add()(inputs)))


def test_unknown_detail_is_refused(paper):
    with pytest.raises(ArgumentError, match=r"detail: expected one of auto, layers, stages. Received: layer. Did you mean layers?"):
        draw(paper, detail="layer")
