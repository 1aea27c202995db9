"""Graphs: nested models, shared layers, several inputs and outputs, other input shapes, refusals."""

import keras
import numpy as np
import pytest
from keras import layers

import kzoo
from kzoo.analysis.graph import trace
from kzoo.errors import ArgumentError
from kzoo.stack import ops


def nested():
    inner = keras.Sequential([keras.Input((None, None, 2)), layers.Conv2D(3, 3, name="conv")], name="inner")
    inputs = keras.Input((16, 16, 2))
    x = layers.Conv2D(2, 3, name="conv")(inputs)
    return keras.Model(inputs, layers.Conv2D(4, 1, name="head")(inner(x)), name="outer")


def test_nested_models_are_opened_and_named_by_path():
    profile = kzoo.profile(nested())
    assert [layer.name for layer in profile.layers] == ["conv", "inner/conv", "head"]
    assert profile.layers[1].output_shape == (12, 12, 3)
    assert profile.macs == 14 * 14 * 9 * 2 * 2 + 12 * 12 * 9 * 2 * 3 + 12 * 12 * 3 * 4
    assert profile.total == nested().count_params()
    assert profile.receptive_field.largest == (5, 5)


def test_shared_layers_cost_parameters_once_and_macs_per_call():
    a, b = keras.Input((8, 8, 1), name="left"), keras.Input((8, 8, 1), name="right")
    shared = layers.Conv2D(2, 3, padding="same", name="shared")
    model = keras.Model([a, b], layers.Add()([shared(a), shared(b)]))
    profile = kzoo.profile(model)
    assert [layer.name for layer in profile.layers][:2] == ["shared", "shared:2"]
    assert profile.macs == 2 * 64 * 9 * 2
    assert profile.total == model.count_params() == 20
    assert [layer.total for layer in profile.layers] == [20, 0, 0]


def test_a_shared_model_costs_parameters_once():
    tower = keras.Sequential([keras.Input((8, 1)), layers.Conv1D(2, 3), layers.GlobalMaxPooling1D()], name="tower")
    a, b = keras.Input((8, 1)), keras.Input((8, 1))
    model = keras.Model([a, b], layers.Subtract()([tower(a), tower(b)]))
    profile = kzoo.profile(model)
    assert (profile.total, profile.macs) == (model.count_params(), 2 * 6 * 3 * 2)


def test_several_inputs_and_outputs():
    image, mask = keras.Input((16, 16, 3), name="image"), keras.Input((16, 16, 1), name="mask")
    x = layers.Concatenate()([layers.Conv2D(2, 5, padding="same")(image), mask])
    fine = layers.Conv2D(1, 3, padding="same", name="fine")(x)
    coarse = layers.GlobalAveragePooling2D(name="coarse")(layers.Conv2D(1, 3, strides=2, name="small")(image))
    profile = kzoo.profile(keras.Model([image, mask], [fine, coarse]))
    fields = profile.receptive_fields
    assert {key: field.largest for key, field in fields.items()} == {
        ("fine", "image"): (7, 7),
        ("fine", "mask"): (3, 3),
        ("coarse", "image"): (3, 3),
    }
    assert fields["coarse", "image"].global_by == "coarse"
    assert profile.receptive_field == fields["fine", "image"]
    assert profile.input_shapes == ((16, 16, 3), (16, 16, 1))


def test_a_vector_before_the_image():
    vector, image = keras.Input((4,), name="vector"), keras.Input((None, 16, 1), name="image")
    gate = layers.Reshape((1, 1, 2))(layers.Dense(2)(vector))
    x = layers.Multiply(name="gated")([layers.Conv2D(2, 3)(image), gate])
    profile = kzoo.profile(keras.Model([vector, image], x), [(4,), (12, 16, 1)])
    assert (profile.receptive_field.largest, profile.shortest_path) == ((3, 3), (3, 3))
    assert str(profile.legal_sizes[0]) == "n >= 3"
    assert profile.receptive_fields["gated", "vector"].largest == ()


def test_augmentation_is_nothing_at_inference():
    model = keras.Sequential([keras.Input((8, 8, 1)), layers.RandomFlip(), layers.RandomRotation(0.1), layers.Conv2D(2, 3)])
    assert (kzoo.profile(model).status, kzoo.profile(model).receptive_field.largest) == ("complete", (3, 3))


def test_another_input_shape_gives_what_a_model_built_for_it_gives():
    small, large = (kzoo.build_unet(input_shape=(n, n, 1), num_classes=2, filters=2, depth=2) for n in (16, 64))
    assert kzoo.profile(small, (64, 64, 1)).to_dict() == kzoo.profile(large).to_dict()


def test_sizes_of_none_leave_macs_and_memory_open():
    model = kzoo.build_unet(input_shape=(None, None, 1), num_classes=1, filters=2)
    profile = kzoo.profile(model)
    assert (profile.macs, profile.flops, profile.peak_memory, profile.training) == (None, None, None, None)
    assert (profile.receptive_field.smallest, profile.receptive_field.largest) == ((188, 188), (204, 204))
    assert profile.warnings == ("MACs and memory depend on the input size, which is not fixed. Give input_shape.",)
    fixed = kzoo.build_unet(input_shape=(64, 32, 1), num_classes=1, filters=2)
    assert kzoo.profile(model, (64, 32, 1)).macs == kzoo.profile(fixed).macs


def test_shapes_by_input_name():
    a, b = keras.Input((None, 1), name="a"), keras.Input((None, 2), name="b")
    model = keras.Model([a, b], layers.Concatenate()([layers.Conv1D(2, 3, padding="same")(a), b]))
    by_name = kzoo.profile(model, {"b": (8, 2), "a": (8, 1)})
    assert by_name.macs == kzoo.profile(model, [(8, 1), (8, 2)]).macs == 8 * 3 * 2


def test_axes_take_the_data_format_of_the_layers():
    model = keras.Sequential([keras.Input((2, 8, 9)), layers.ReLU(), layers.Conv2D(1, 3, data_format="channels_first")])
    graph = trace(model)
    assert list(graph.spatial_axes(0)) == [2, 3]


TO_LAST = {
    "Permute": layers.Permute((2, 3, 1)),
    "transpose": lambda x: ops.transpose(x, (0, 2, 3, 1)),
    "moveaxis": lambda x: ops.moveaxis(x, 1, -1),
    "swapaxes": lambda x: ops.swapaxes(ops.swapaxes(x, 1, 3), 1, 2),
    "nested": keras.Sequential([keras.Input((3, 30, 32)), layers.ReLU(), layers.Permute((2, 3, 1))]),
}


@pytest.mark.parametrize("to_last", TO_LAST.values(), ids=TO_LAST)
@pytest.mark.keras3
def test_axes_that_are_reordered_before_the_first_layer_with_a_data_format(to_last):
    """Channels first as they come in, channels last in the convolution, as a real run shows it."""
    inputs = keras.Input((3, 30, 32))
    model = keras.Model(inputs, layers.ReLU()(layers.Conv2D(4, (3, 5))(to_last(inputs))))
    profile = kzoo.profile(model)
    assert (profile.receptive_field.largest, profile.receptive_field.is_global) == ((3, 5), False)
    assert list(map(str, profile.legal_sizes)) == ["n >= 3", "n >= 5"]
    image = np.zeros((1, 3, 30, 32), "float32")
    image[0, :, 14, 16] = 1
    seen = np.argwhere(np.asarray(model(image))[0].any(-1))
    assert (np.ptp(seen, axis=0) + 1).tolist() == [3, 5]


def test_channels_last_that_are_moved_to_the_front():
    inputs = keras.Input((30, 32, 3))
    x = layers.Conv2D(4, (3, 5), data_format="channels_first")(layers.Permute((3, 1, 2))(inputs))
    graph = trace(keras.Model(inputs, layers.ReLU()(layers.Permute((2, 3, 1))(layers.Dropout(0.5)(x)))))
    assert graph.data_format == "channels_last"
    assert [call.data_format for call in graph.calls] == [*["channels_last", "channels_first"], *["channels_first"] * 2, "channels_last"]
    assert kzoo.profile(keras.Model(inputs, x)).receptive_field.largest == (3, 5)


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((8, 8), r"input_shape: expected 3 sizes without the batch axis, as in \(16, 16, 2\). Received: \(8, 8\)"),
        ((8, 0, 2), "input_shape: expected 3 sizes"),
        ([(8, 8, 2), (8, 8, 2)], r"input_shape: expected one shape per input \(1\)"),
        ({"other": (8, 8, 2)}, "input_shape: expected a shape for each of"),
        ((8, 8, 3), r"input_shape: layer conv cannot take \(None, 8, 8, 3\): its weights are for 2 features"),
        ((4, 4, 2), "input_shape: layer conv cannot take"),
        ((8, np.int64(0), 2), "input_shape: expected 3 sizes"),
    ],
)
def test_wrong_shapes_are_named(shape, words):
    with pytest.raises(ArgumentError, match=words):
        kzoo.profile(nested(), shape)


def test_a_dense_layer_refuses_another_size():
    model = kzoo.build_cnn(input_shape=(28, 28, 1), num_classes=10)
    with pytest.raises(ArgumentError, match=r"input_shape: layer dense1 cannot take .*: its weights are for 3136 features"):
        kzoo.profile(model, (40, 40, 1))


class Subclassed(keras.Model):
    def call(self, x):
        return x


@pytest.mark.parametrize("model", [Subclassed(), keras.Sequential([layers.Dense(2)])], ids=["subclassed", "not built"])
def test_a_model_without_a_graph_is_refused(model):
    with pytest.raises(
        ArgumentError, match=r"model: expected a built functional or sequential keras.Model. Received: (Subclassed|Sequential)\.$"
    ):
        kzoo.profile(model)


class Doubled(keras.Model):
    """A functional subclass that runs its graph and something more."""

    def __init__(self, **options):
        inputs = keras.Input((8, 8, 2))
        super().__init__(inputs=inputs, outputs=layers.Conv2D(3, 3)(inputs), **options)

    def call(self, x, **options):
        return super().call(x, **options) * ops.mean(x)


class Tagged(Doubled):
    """It inherits the call."""


class Renamed(keras.Model):
    """A functional subclass that computes by its graph alone."""

    def __init__(self, **options):
        inputs = keras.Input((8, 8, 2))
        super().__init__(inputs=inputs, outputs=layers.Conv2D(3, 3, name="conv")(inputs), **options)


class Stacked(keras.Sequential):
    def call(self, x, **options):
        return super().call(x, **options) * ops.mean(x)


@pytest.mark.parametrize("build", [Doubled, Tagged, lambda **options: Stacked([keras.Input((8, 8, 2)), layers.Conv2D(3, 3)], **options)])
def test_a_functional_subclass_with_a_call_of_its_own_is_not_opened(build):
    inputs = keras.Input((8, 8, 2))
    model = keras.Model(inputs, layers.ReLU()(build(name="inner")(inputs)))
    profile = kzoo.profile(model)
    assert (profile.status, profile.unknown, profile.receptive_field) == ("partial", ("inner",), None)
    assert [layer.name for layer in profile.layers][:1] == ["inner"]
    assert profile.total == model.count_params() == 57
    with pytest.raises(ArgumentError, match=r"model: expected .* Received: (Doubled|Tagged|Stacked), which has a call of its own"):
        kzoo.profile(build())


def test_a_functional_subclass_without_a_call_of_its_own_is_opened():
    inputs = keras.Input((8, 8, 2))
    nested = kzoo.profile(keras.Model(inputs, Renamed(name="inner")(inputs)))
    assert ([layer.name for layer in nested.layers], nested.macs) == (["inner/conv"], 36 * 9 * 2 * 3)
    assert kzoo.profile(Renamed()).macs == nested.macs


def test_sizes_as_numpy_integers():
    model = nested()
    assert kzoo.profile(model, tuple(np.array([20, 24, 2]))).to_json() == kzoo.profile(model, (20, 24, 2)).to_json()
