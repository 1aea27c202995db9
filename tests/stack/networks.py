"""Networks whose files cross between Keras 3 and Keras 2.15: all norms, resamplings and convolutions, and the activations that differ."""

import keras
import numpy as np

from kzoo import build_cnn, build_preset, build_unet


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
    "relu6": lambda: build_cnn(input_shape=(8, 8, 1), num_classes=3, filters=2, depth=2, activation="relu6", normalization="batch"),
    "resnet": lambda: build_preset("resnet20_cifar", input_shape=(16, 16, 3), filters=2),
}


def filled(name: str) -> keras.Model:
    """A network with weights of which none is as it begins, variances above 0."""
    keras.utils.set_random_seed(0)
    model, rng = NETWORKS[name](), np.random.default_rng(0)
    model.set_weights([weight + rng.uniform(0.01, 0.1, weight.shape) for weight in model.get_weights()])
    return model


def images(model: keras.Model) -> np.ndarray:
    """Two images for a network; of odd sizes where it takes any."""
    sizes = [size or 13 + axis for axis, size in enumerate(model.input_shape[1:])]
    return np.random.default_rng(1).uniform(size=(2, *sizes)).astype("float32")


def outputs(model: keras.Model, x: np.ndarray) -> np.ndarray:
    """All outputs in one row."""
    found = model(x, training=False)
    return np.concatenate([np.ravel(each) for each in (found if isinstance(found, list | tuple) else [found])])
