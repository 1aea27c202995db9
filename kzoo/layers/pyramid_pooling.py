"""Spatial pyramid pooling (He et al. 2015, "Spatial pyramid pooling in deep convolutional networks for visual recognition", TPAMI)."""

from collections.abc import Sequence

import keras

from ..errors import ArgumentError, check_choice
from ..stack import config, ops

FORMATS = ("channels_last", "channels_first")


@keras.saving.register_keras_serializable("kzoo")
class SpatialPyramidPooling2D(keras.layers.Layer):
    """Averages a map of any size over grids of given sizes, so that a dense layer can follow.

    The successor of `tensorflow_addons.layers.SpatialPyramidPooling2D`, with its names and outputs: averages where the paper takes maxima,
    and what does not fill a whole grid is cut off at the right and bottom.

    Args:
        bins: the grids: ints, or pairs of rows and columns. `[1, 3, 5]` gives 1 + 9 + 25 averages per channel.
        data_format: `channels_last` or `channels_first`; Keras's default unless given.

    Input: `(batch, rows, columns, channels)`, or `(batch, channels, rows, columns)`, no smaller than the finest grid. Output:
    `(batch, averages, channels)`, or `(batch, channels, averages)`.

    Raises:
        ArgumentError: a grid is no int or pair, or finer than the map.

    >>> import numpy as np
    >>> SpatialPyramidPooling2D([1, (1, 2)])(np.array([[[[1.0], [2.0], [3.0], [6.0]]]]))[0, :, 0].numpy().tolist()
    [3.0, 1.5, 4.5]
    """

    def __init__(self, bins: Sequence[int | Sequence[int]], data_format: str | None = None, **options):
        super().__init__(**options)
        self.bins = [(grid, grid) if isinstance(grid, int) else tuple(grid) for grid in bins]
        if not self.bins or any(len(grid) != 2 or min(grid) < 1 for grid in self.bins):
            raise ArgumentError("bins", f"expected positive integers or pairs of them. Received: {bins!r}.")
        self.data_format = data_format or config.image_data_format()
        check_choice("data_format", self.data_format, FORMATS)

    def call(self, inputs):
        first = 1 if self.data_format == "channels_last" else 2
        return ops.concatenate([self._averages(inputs, grid, first) for grid in self.bins], axis=first)

    def _averages(self, x, grid: Sequence[int], first: int):
        """Those of one grid, its rows and columns in one axis; `first` is the axis of the rows."""
        shape = ops.shape(x)
        rows, columns = (shape[first + axis] // n for axis, n in enumerate(grid))
        crop = [slice(None)] * first + [slice(rows * grid[0]), slice(columns * grid[1])]
        blocks = ops.reshape(x[tuple(crop)], (-1, *shape[1:first], grid[0], rows, grid[1], columns, *shape[first + 2 :]))
        return ops.reshape(ops.mean(blocks, axis=(first + 1, first + 3)), (-1, *shape[1:first], grid[0] * grid[1], *shape[first + 2 :]))

    def compute_output_shape(self, input_shape):
        first = 1 if self.data_format == "channels_last" else 2
        self._check(input_shape[first : first + 2])
        count = sum(rows * columns for rows, columns in self.bins)
        return (*input_shape[:first], count, *input_shape[first + 2 :])

    def build(self, input_shape):
        self.compute_output_shape(input_shape)
        self.built = True

    def _check(self, sizes: Sequence[int | None]) -> None:
        finest = [max(grid[axis] for grid in self.bins) for axis in (0, 1)]
        if any(size is not None and size < n for size, n in zip(sizes, finest, strict=True)):
            raise ArgumentError("bins", f"expected a map of at least {finest[0]} x {finest[1]}. Received: {sizes[0]} x {sizes[1]}.")

    def get_config(self) -> dict:
        return {**super().get_config(), "bins": self.bins, "data_format": self.data_format}
