"""The trunk of a classifier: it walks from place to place, and keeps the last map of every resolution for others, as taps."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import replace
from math import prod
from typing import Any, Literal, NamedTuple, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling, default_kernel, downsample
from ..layers.resampling import BlurPool
from ..layers.style import Padding, PoolAlignment, Size, Style, check_style, ranked
from . import stages
from .deep_supervision import DeeplySupervised
from .head import Head
from .identity import describe, is_described
from .places import Place, fit
from .registry import BUILDERS
from .weights import check_weights

_TAPS = "kzoo_taps"

_padded: ContextVar[bool] = ContextVar("padded", default=False)


@contextmanager
def padded_places() -> Iterator[None]:
    """Classifiers that are built within pad their borders everywhere, so that a map of stride s has ceil(size / s) positions."""
    token = _padded.set(True)
    try:
        yield
    finally:
        _padded.reset(token)


class Tap(NamedTuple):
    """A feature map that a classifier offers to others.

    Attributes:
        name: of the stage that ends with it.
        channels: its width.
        strides: pixels of the input per position, along each axis.
    """

    name: str
    channels: int
    strides: tuple[int, ...]


def taps(model: keras.Model) -> list[Tap]:
    """The outputs of a classifier that was built with `features_only=True`: names, channels and strides, finest first.

    Raises:
        ArgumentError: another model.

    >>> from kzoo import build_preset
    >>> from kzoo.models import taps
    >>> for tap in taps(build_preset("resnet18", num_classes=0, features_only=True)):
    ...     print(tap.name, tap.channels, tap.strides)
    stem 64 (2, 2)
    stage1 64 (4, 4)
    stage2 128 (8, 8)
    stage3 256 (16, 16)
    stage4 512 (32, 32)
    """
    if not hasattr(model, _TAPS) and is_described(model) and describe(model).arguments.get("features_only"):
        known = describe(model)
        setattr(model, _TAPS, taps(BUILDERS[known.builder](**{**known.arguments, "weights": None})))
    if not hasattr(model, _TAPS):
        raise ArgumentError("model", f"expected a classifier built with features_only=True, or read by kzoo.load. Received: {model.name}.")
    return list(getattr(model, _TAPS))


class Trunk:
    """A classifier under construction: it walks from place to place, and keeps the last map of every resolution.

    Attributes:
        image: the input.
        style: what all convolutions share.
    """

    def __init__(
        self,
        input_shape: Sequence[int | None],
        style: Style,
        places: Sequence[Place],
        downsampling: Downsampling | None = None,
        small_input: bool = False,
        weights: str | None = None,
    ):
        check_style(style)
        check_weights(weights)
        stages.check_flag("small_input", small_input)
        if downsampling is not None:
            check_choice("downsampling", downsampling, get_args(Downsampling))
        self.style = style
        self._downsampling = downsampling
        if _padded.get():
            places = [place if place.padding == "symmetric" else replace(place, padding="same") for place in places]
        self._ahead = fit(places, input_shape, small_input)
        self._strides = (1,) * style.rank
        self._maps: dict[tuple[int, ...], tuple[str, Any]] = {}
        self.image = keras.Input(input_shape, name="image")

    def enter(self, name: str) -> Place:
        """The next place, as it is for this input: what follows has its resolution."""
        place = self._ahead.pop(0)
        if place.name != name:
            raise ValueError(f"the next place is {place.name}, not {name}")
        self._strides = tuple(a * s for a, s in zip(self._strides, place.strides, strict=True))  # type: ignore[arg-type]
        return place

    def tap(self, x, name: str):
        """Offers a map to others, unless one of the same resolution follows; returns it."""
        self._maps[self._strides] = (name, x)
        return x

    def conv(self, x, filters: int, kernel_size: Size, name: str, *, strides: Size = 1, **options):
        """`blocks.conv`; with another down-sampling the convolution is dense and is followed by that."""
        return self._strided(
            lambda x, strides: b.conv(x, filters, kernel_size, self.style, name, strides=strides, **options), x, strides, name
        )

    def depthwise_conv(self, x, kernel_size: Size, name: str, *, strides: Size = 1, **options):
        """`blocks.depthwise_conv`, likewise."""
        return self._strided(
            lambda x, strides: b.depthwise_conv(x, kernel_size, self.style, name, strides=strides, **options), x, strides, name
        )

    def conv_at(self, x, filters: int, name: str, **options):
        """The convolution that is a place, with its kernel, strides and padding; a dense one pads like the strided one."""
        place = self.enter(name)
        return self.conv(x, filters, place.kernel_size, name, strides=place.strides, padding=place.padding, **options)

    def pool_at(self, x, name: str, kind: Literal["max_pool", "avg_pool"] = "max_pool"):
        """The pooling that is a place, or what stands for it; no layer where its strides are 1."""
        place = self.enter(name)
        if max(place.strides) == 1:  # type: ignore[arg-type]
            return x
        return self.pool(x, place.kernel_size, place.strides, place.padding, name, kind)

    def pool(
        self, x, kernel_size: Size, strides: Size, padding: PoolAlignment, name: str, kind: Literal["max_pool", "avg_pool"] = "max_pool"
    ):
        """Pooling over windows, or what stands for it."""
        own = self._downsampling in (None, kind)
        if own or padding == "ceil":
            x, padding = b.aligned(x, kernel_size, strides, padding, name)
        if own:
            layer = ranked("MaxPooling{}D" if kind == "max_pool" else "AveragePooling{}D", self.style.rank)
            return layer(kernel_size, strides=strides, padding=padding, name=name)(x)
        plain: Padding = "valid" if padding == "valid" else "same"
        if self._downsampling == "blur_pool" and plain == "valid":
            dense = ranked("MaxPooling{}D", self.style.rank)(kernel_size, strides=1, padding="valid", name=f"{name}_down_max")
            return self.reduce(dense(x), strides, name)
        kernel = self._axes(kernel_size) if self._downsampling != "blur_pool" else None
        return downsample(x, self._downsampling, self._axes(strides), self.style, name, kernel, plain)  # type: ignore[arg-type]

    def reduce(self, x, strides: Size, name: str):
        """What stands for the stride of a convolution: pooling over windows of the stride's size, or a low-pass filter."""
        strides = self._axes(strides)
        if self._downsampling == "blur_pool":
            return BlurPool(strides, kernel_size=max(default_kernel("blur_pool", strides)), name=f"{name}_down")(x)
        return downsample(x, self._downsampling or "strided_conv", strides, self.style, name)

    @property
    def strided(self) -> bool:
        """Whether convolutions carry their strides themselves."""
        return self._downsampling in (None, "strided_conv")

    def model(self, x, head: Head, *, features_only: bool, name: str, others: Sequence[tuple[Any, float]] = ()) -> keras.Model:
        """The finished network; `others` are the outputs of auxiliary heads with their weights in the loss."""
        stages.check_name(name)
        stages.check_flag("features_only", features_only)
        if self._ahead:
            raise ValueError(f"places that were never entered: {', '.join(place.name for place in self._ahead)}")
        if features_only:
            maps = sorted(self._maps.items(), key=lambda item: prod(item[0]))
            model = keras.Model(self.image, [x for _, (_, x) in maps], name=name)
            setattr(model, _TAPS, [Tap(name, x.shape[-1], strides) for strides, (name, x) in maps])
        else:
            self._check_flatten(x, head)
            output = head(x, self.style)
            model = keras.Model(self.image, output, name=name) if not others else self._supervised(output, others, name)
        return model

    def _supervised(self, output, others: Sequence[tuple[Any, float]], name: str) -> keras.Model:
        model = DeeplySupervised(self.image, [output, *(x for x, _ in others)], name=name)
        model.scales, model.output_weights = [()] * (1 + len(others)), [1.0, *(weight for _, weight in others)]
        return model

    def _strided(self, layer: Callable, x, strides: Size, name: str):
        if self.strided or max(self._axes(strides)) == 1:
            return layer(x, strides)
        return self.reduce(layer(x, 1), strides, name)

    def _axes(self, size: Size) -> tuple[int, ...]:
        return (size,) * self.style.rank if isinstance(size, int) else tuple(size)

    def _check_flatten(self, x, head: Head) -> None:
        if head.pooling == "flatten" and None in x.shape[1:]:
            raise ArgumentError(
                "input_shape",
                f'expected fixed sizes for pooling="flatten". Received: {tuple(self.image.shape[1:])}. '
                'Give the sizes, or use pooling="avg".',
            )
