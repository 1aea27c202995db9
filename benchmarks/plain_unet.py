"""The cells of the U-Net's grid, written out in plain Keras calls: what `build_unet` is compared with in time.

Where Keras has no layer (blur pooling, pixel shuffle, unpooling), both networks use kzoo's; everything else is what a script would hold.
"""

import keras
from keras import layers

from kzoo.layers import ICNR, BlurPool, MaxUnpooling, PixelShuffle

INIT = "he_normal"


def plain_unet(input_shape, num_classes: int, filters: int = 64, depth: int = 4, down: str = "max_pool", up: str = "transposed_conv"):
    """A 2-D U-Net with two 3 x 3 convolutions per stage, ReLU, no norm, `same` padding."""

    def stage(x, width, strides=1):
        x = layers.Conv2D(width, 3, strides=strides, padding="same", activation="relu", kernel_initializer=INIT)(x)
        return layers.Conv2D(width, 3, padding="same", activation="relu", kernel_initializer=INIT)(x)

    def reduce(x, width):
        if down == "max_pool":
            return layers.MaxPooling2D(2, padding="same")(x)
        if down == "avg_pool":
            return layers.AveragePooling2D(2, padding="same")(x)
        if down == "blur_pool":
            return BlurPool(2)(layers.MaxPooling2D(2, strides=1, padding="same")(x))
        if down == "strided_first_conv":
            return x
        width = 2 * width if down == "strided_conv_widen" else width
        return layers.Conv2D(width, 3, strides=2, padding="same", activation="relu", kernel_initializer=INIT)(x)

    def restore(x, width, pooled):
        if up == "transposed_conv":
            return layers.Conv2DTranspose(width, 2, strides=2, padding="same", kernel_initializer=INIT)(x)
        if up == "pixel_shuffle":
            return PixelShuffle(2)(layers.Conv2D(4 * width, 3, padding="same", kernel_initializer=ICNR((2, 2)))(x))
        if up == "max_unpool":
            return MaxUnpooling(2)([layers.Conv2D(width, 3, padding="same", kernel_initializer=INIT)(x), pooled])
        x = layers.UpSampling2D(2, interpolation=up)(x)
        return layers.Conv2D(width, 3, padding="same", kernel_initializer=INIT)(x)

    strided = 2 if down == "strided_first_conv" else 1
    x = inputs = keras.Input(input_shape)
    skips = []
    for level in range(depth):
        x = stage(x, filters * 2**level, strided if level else 1)
        skips.append(x)
        x = reduce(x, filters * 2**level)
    x = stage(x, filters * 2**depth, strided)
    for level in reversed(range(depth)):
        x = restore(x, filters * 2**level, skips[level])
        x = stage(layers.Concatenate()([skips[level], x]), filters * 2**level)
    activation = "sigmoid" if num_classes == 1 else "softmax"
    return keras.Model(inputs, layers.Conv2D(num_classes, 1, activation=activation)(x))
