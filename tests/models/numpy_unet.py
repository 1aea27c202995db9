"""A U-Net's forward pass in plain NumPy and SciPy, written from the papers: the twin that the builder is compared with.

It reads weights by the names of layers and nothing else from the model. Maps are `(height, width, channels)`; the network has the default
shape: depth 2, two convolutions of size 3 per stage, ReLU, strides 2.
"""

from collections.abc import Callable, Mapping

import numpy as np
from scipy.ndimage import zoom
from scipy.signal import correlate

Array = np.ndarray
Weights = Mapping[str, list[Array]]


def convolve(x: Array, weights: list[Array], stride: int = 1, same: bool = True) -> Array:
    """Correlation per pair of channels, summed; `same` pads such that ceil(n / stride) positions remain, the odd row at the end."""
    kernel, bias = weights
    size = kernel.shape[0]
    if same:
        pads = [max((-(-n // stride) - 1) * stride + size - n, 0) for n in x.shape[:2]]
        x = np.pad(x, [*((p // 2, p - p // 2) for p in pads), (0, 0)])
    maps = [sum(correlate(x[..., i], kernel[..., i, o], mode="valid") for i in range(x.shape[-1])) for o in range(kernel.shape[-1])]
    return np.stack(maps, -1)[::stride, ::stride] + bias


def windows(x: Array, stride: int = 2) -> Array:
    """Blocks of stride x stride: `(rows, columns, stride * stride, channels)`."""
    rows, columns = x.shape[0] // stride, x.shape[1] // stride
    blocks = x.reshape(rows, stride, columns, stride, -1)
    return blocks.transpose(0, 2, 1, 3, 4).reshape(rows, columns, stride * stride, -1)


def unfold(blocks: Array, stride: int = 2) -> Array:
    """The inverse of `windows`."""
    rows, columns, _, channels = blocks.shape
    return (
        blocks.reshape(rows, columns, stride, stride, channels).transpose(0, 2, 1, 3, 4).reshape(rows * stride, columns * stride, channels)
    )


def relu(x: Array) -> Array:
    return np.maximum(x, 0)


def blur(x: Array, same: bool) -> Array:
    """Dense maximum over 2 x 2, then [1, 2, 1] / 4 along both axes and every second position (Zhang 2019)."""
    x = np.pad(x, [(0, 1), (0, 1), (0, 0)], constant_values=-np.inf) if same else x
    x = np.maximum.reduce([x[:-1, :-1], x[1:, :-1], x[:-1, 1:], x[1:, 1:]])
    x = np.pad(x, [(1, 1), (1, 1), (0, 0)], mode="edge") if same else x
    for axis in (0, 1):
        x = np.moveaxis(x, axis, 0)
        x = np.moveaxis((x[:-2] + 2 * x[1:-1] + x[2:]) / 4, 0, axis)
    return x[::2, ::2]


def transposed(x: Array, weights: list[Array], same: bool) -> Array:
    """Every position writes its kernel (rows, columns, out, in) into the output, windows two apart; borders are cut as described."""
    kernel, bias = weights
    size = kernel.shape[0]
    out = np.zeros((2 * (x.shape[0] - 1) + size, 2 * (x.shape[1] - 1) + size, kernel.shape[2]))
    for row in range(x.shape[0]):
        for column in range(x.shape[1]):
            out[2 * row : 2 * row + size, 2 * column : 2 * column + size] += kernel @ x[row, column]
    excess = size - 2
    first, last = (excess // 2, excess - excess // 2) if same else (excess, excess)
    return out[first : out.shape[0] - last, first : out.shape[1] - last] + bias


def stretch(x: Array, order: int, same: bool) -> Array:
    """Interpolation by two with half-pixel centres; without padding, the outermost rows, which repeat the edge, are cut off."""
    x = np.pad(x, [(1, 1), (1, 1), (0, 0)], mode="edge")
    x = zoom(x, (2, 2, 1), order=order, mode="nearest", grid_mode=True)[2:-2, 2:-2]
    return x if same or order == 0 else x[1:-1, 1:-1]


def centre(x: Array, size: tuple[int, ...]) -> Array:
    top, left = ((n - m) // 2 for n, m in zip(x.shape[:2], size[:2], strict=True))
    return x[top : top + size[0], left : left + size[1]]


def forward(x: Array, weights: Weights, down: str, up: str, same: bool) -> Array:
    """Logits of one image."""

    def stage(x: Array, name: str, stride: int = 1) -> Array:
        x = relu(convolve(x, weights[f"{name}_conv1"], stride, same))
        return relu(convolve(x, weights[f"{name}_conv2"], 1, same))

    reduce: dict[str, Callable[[Array, str], Array]] = {
        "max_pool": lambda x, _: windows(x).max(2),
        "avg_pool": lambda x, _: windows(x).mean(2),
        "strided_conv": lambda x, name: relu(convolve(x, weights[f"{name}_down"], 2, same)),
        "strided_conv_widen": lambda x, name: relu(convolve(x, weights[f"{name}_down"], 2, same)),
        "strided_first_conv": lambda x, _: x,
        "blur_pool": lambda x, _: blur(x, same),
    }
    stride = 2 if down == "strided_first_conv" else 1
    skips = [stage(x, "encoder1")]
    skips.append(stage(reduce[down](skips[0], "encoder1"), "encoder2", stride))
    x = stage(reduce[down](skips[1], "encoder2"), "bottleneck", stride)
    for number in (2, 1):
        name, skip = f"decoder{number}", skips[number - 1]
        x, skip = raise_resolution(x, skip, weights, name, up, same)
        x = stage(np.concatenate([skip, x], -1), name)
    return convolve(x, weights["head"], 1)


def raise_resolution(x: Array, skip: Array, weights: Weights, name: str, up: str, same: bool) -> tuple[Array, Array]:
    """The up-sampled map and the part of the skip that it meets."""
    if up == "transposed_conv":
        x = transposed(x, weights[f"{name}_up"], same)
    elif up in ("nearest", "bilinear"):
        x = convolve(stretch(x, 0 if up == "nearest" else 1, same), weights[f"{name}_up_conv"], 1, same)
    else:
        x = convolve(x, weights[f"{name}_up_conv"], 1, same)
        if up == "pixel_shuffle":
            x = unfold(x.reshape(*x.shape[:2], 4, -1))
        else:
            skip = centre(skip, (2 * x.shape[0], 2 * x.shape[1]))
            blocks = windows(skip)
            first = np.argmax(blocks, axis=2)[:, :, None]
            x = unfold(np.where(np.arange(4)[:, None] == first, x[:, :, None], 0))
    return x, centre(skip, x.shape)
