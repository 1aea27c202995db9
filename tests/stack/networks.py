"""Networks whose files cross between Keras 3 and Keras 2.15: all norms, resamplings and convolutions, and the activations that differ."""

import keras
import numpy as np

from kzoo import build_cnn, build_preset, build_unet
from kzoo.models.precision import built_under
from kzoo.stack import standardize_dtype


def plain() -> keras.Model:
    """A sequential model of Keras's own layers, which kzoo knows nothing of."""
    return keras.Sequential(
        [
            keras.Input((8, 8, 3), name="image"),
            keras.layers.Conv2D(4, 3, use_bias=False),
            keras.layers.BatchNormalization(),
            keras.layers.Activation("tanh"),
            keras.layers.DepthwiseConv2D(3, padding="same"),
            keras.layers.Dropout(0.5),
            keras.layers.Flatten(),
            keras.layers.Dense(3, activation="softmax"),
        ],
        name="plain",
    )


def nested() -> keras.Model:
    """Models inside a model, one of them called twice, beside two inputs."""
    part = keras.Sequential([keras.Input((4,)), keras.layers.Dense(3, activation="relu"), keras.layers.Dense(2)], name="part")
    inside = keras.Input((4,), name="inside")
    other = keras.Model(inside, keras.layers.Dense(2, name="dense_inside")(inside), name="other")
    a, b = keras.Input((4,), name="a"), keras.Input((4,), name="b")
    joined = keras.layers.Add()([part(a), part(b), other(b)])
    return keras.Model([a, b], keras.layers.Dense(2, name="last")(joined), name="nested")


def masked() -> keras.Model:
    """A tensor that is not the first argument of a layer."""
    a, b = keras.Input((4,), name="a"), keras.Input((4,), dtype="bool", name="b")
    return keras.Model([a, b], keras.layers.Softmax(name="softmax")(keras.layers.Dense(4, name="dense")(a), b), name="masked")


def words() -> keras.Model:
    """Numbers of words."""
    inputs = keras.Input((4,), dtype="int32", name="words")
    x = keras.layers.Embedding(3, 2, name="embedding")(inputs)
    return keras.Model(inputs, keras.layers.Dense(2, name="dense")(keras.layers.Flatten(name="flat")(x)), name="words")


def mixed() -> keras.Model:
    """Half precision, and dropout of whole maps."""
    with built_under("mixed_bfloat16"):
        return unet(filters=2, dropout=0.1, dropout_kind="spatial")


def unet(**options) -> keras.Model:
    return build_unet(**{"input_shape": (16, 16, 1), "num_classes": 2, "filters": 4, "depth": 2, **options})


NETWORKS = {
    "plain": plain,
    "any_size": lambda: unet(input_shape=(None, None, 1), normalization="batch", downsampling="blur_pool", upsampling="transposed_conv"),
    "separable": lambda: unet(normalization="instance", convolution="separable", skip="attention", downsampling="strided_conv"),
    "slopes": lambda: unet(
        depth=1, filters=8, normalization="group", activation={"LeakyReLU": {"negative_slope": 0.1}}, upsampling="pixel_shuffle"
    ),
    "heads": lambda: unet(filters=2, depth=3, deep_supervision=2, activation={"PReLU": {}}, upsampling="max_unpool", skip="add"),
    "gelu": lambda: unet(filters=2, normalization="layer", activation="gelu", dropout=0.1, upsampling="bilinear", downsampling="avg_pool"),
    "nested": nested,
    "masked": masked,
    "words": words,
    "mixed": mixed,
    "relu6": lambda: build_cnn(input_shape=(8, 8, 1), num_classes=3, filters=2, depth=2, activation="relu6", normalization="batch"),
    "resnet": lambda: build_preset("resnet20_cifar", input_shape=(16, 16, 3), filters=2),
}


def filled(name: str) -> keras.Model:
    """A network with weights of which none is as it begins, variances above 0."""
    keras.utils.set_random_seed(0)
    model, rng = NETWORKS[name](), np.random.default_rng(0)
    model.set_weights([weight + rng.uniform(0.01, 0.1, weight.shape) for weight in model.get_weights()])
    return model


def images(model: keras.Model) -> list[np.ndarray]:
    """Two samples for each input; of odd sizes where it takes any, of 0 and 1 where it takes no fractions."""
    rng, found = np.random.default_rng(1), []
    for each in model.inputs:
        sizes = [size or 13 + axis for axis, size in enumerate(each.shape[1:])]
        values = rng.uniform(size=(2, *sizes))
        dtype = standardize_dtype(each.dtype)
        found.append((values if "float" in dtype else values > 0.5).astype("float32" if "float" in dtype else dtype))
    return found


def outputs(model: keras.Model, x: list[np.ndarray]) -> np.ndarray:
    """All outputs in one row."""
    found = model(x if len(x) > 1 else x[0], training=False)
    return np.concatenate([np.ravel(np.asarray(each, "float32")) for each in (found if isinstance(found, list | tuple) else [found])])
