"""What all classifiers share: their common arguments, the trunk that walks from place to place, and the head."""

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from math import prod
from typing import Any, Literal, NamedTuple, TypeVar, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.downsampling import Downsampling, default_kernel, downsample
from ..layers.resampling import BlurPool
from ..layers.style import Padding, PoolAlignment, Size, Style, activate, check_style, ranked
from . import stages
from .deep_supervision import DeeplySupervised
from .identity import describe, is_described
from .places import Place, fit
from .registry import BUILDERS
from .weights import check_weights

Pooling = Literal["flatten", "avg", "max"]
ClassifierActivation = Literal["auto", "sigmoid", "softmax"]

SHARED = """input_shape: `(*spatial, channels)` with one to three spatial axes, from 8 positions along each; a size may be None unless
            `pooling="flatten"`.
        num_classes: int, width of the output: 1 means one probability, 2 or more a distribution over classes. 0 means no head: the
            output is the pooled map.
        downsampling: `max_pool`, `avg_pool`, `strided_conv` or `blur_pool` in place of every stride of the network: a strided convolution
            then has stride 1 and is followed by it. None for the network's own.
        activation: name of a function in `keras.activations`, or a layer with its arguments, `{"LeakyReLU": {"negative_slope": 0.01}}`.
        normalization: `none`, `batch`, `instance`, `group` (8 groups) or `layer`.
        pooling: `avg` or `max` over all positions, or `flatten`. None, only with `num_classes=0`, for the map itself.
        dropout: float, rate before the classifier and between dense layers.
        classifier_activation: `auto` (sigmoid for one output, softmax for more), `sigmoid`, `softmax`, or None for logits.
        small_input: bool, whether to adapt the network to small images. Where a stage would get fewer than 4 positions along an axis, all
            convolutions and poolings pad their borders, and the earliest strides along that axis become 1, with kernels of at most 3, until
            every stage has 4; a last pooling, which only the head follows, may leave 1. Without it a too small input is refused.
        features_only: bool, whether to return the last map of every resolution, finest first, in place of the head; see `kzoo.models.taps`.
        weights: None; `imagenet`, where `keras.applications` holds the same network; or the path of a `.keras` or `.weights.h5` file. See
            `kzoo.models.load_weights`.
        name: str, the name of the model.

    Returns:
        An uncompiled functional `keras.Model` from `(batch, *spatial, channels)` to `(batch, num_classes)`, in float32 also under mixed
        precision; a list of maps with `features_only`.

    Raises:
        ArgumentError: a `ValueError` that names the argument, what was expected and what was received."""
"""The part of the docstrings that all classifiers share; `{shared}` stands for it."""

_TAPS = "kzoo_taps"

_padded: ContextVar[bool] = ContextVar("padded", default=False)

F = TypeVar("F", bound=Callable[..., keras.Model])


def classifier(name: str) -> Callable[[F], F]:
    """A decorator that enters a builder under `name` and completes its docstring by the shared arguments that it does not explain."""

    def enter(builder: F) -> F:
        own = builder.__doc__ or ""
        shared = [entry for entry in re.split(r"\n        (?=\w+: )", SHARED) if f"\n        {entry.partition(':')[0]}: " not in own]
        builder.__doc__ = own.replace("{shared}", "\n        ".join(shared))
        return BUILDERS.register(name)(builder)

    return enter


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


@dataclass(frozen=True)
class Head:
    """The end of a classifier; checked when it is made.

    Attributes:
        num_classes, pooling, classifier_activation: arguments of the builder.
        dense: widths of the hidden dense layers.
        dropout: rate after each of them, or before the classifier where there are none.
        convolutional: whether the classifier is a convolution of size 1 with the network's activation, whose maps are then pooled
            (Lin et al. 2014, section 3.2).
        normalized: whether the pooled map is normalized.
    """

    num_classes: int
    pooling: Pooling | None
    classifier_activation: ClassifierActivation | None
    dense: Sequence[int] = ()
    dropout: float = 0.0
    convolutional: bool = False
    normalized: bool = False

    def __post_init__(self):
        stages.check_positive("num_classes", self.num_classes, least=0)
        stages.check_rate("dropout", self.dropout)
        if self.pooling is not None or self.num_classes > 0:
            check_choice("pooling", self.pooling, get_args(Pooling))
        if not isinstance(self.dense, Sequence) or isinstance(self.dense, str):
            raise ArgumentError("dense", f"expected a list of widths, such as [128]. Received: {self.dense!r}.")
        for width in self.dense:
            stages.check_positive("dense", width)
        if self.convolutional and self.pooling == "flatten":
            raise ArgumentError("pooling", "expected avg or max, since the classifier is a convolution. Received: flatten.")
        b.head_activation(self.classifier_activation, self.num_classes)

    @property
    def activation(self) -> str | None:
        """The classifier's activation with `auto` resolved."""
        return b.head_activation(self.classifier_activation, self.num_classes)

    def __call__(self, x, style: Style):
        """From the last map to the output."""
        if self.num_classes == 0:
            return pool(x, self.pooling, style.rank)
        if self.convolutional:
            x = b.dropout(x, self.dropout, "head")
            x = b.linear_conv(x, self.num_classes, 1, style, "head")
            x = pool(activate(x, style.activation, "head_act"), self.pooling, style.rank)
            return keras.layers.Activation(self.activation or "linear", dtype=b.output_type(), name="output")(x)
        x = pool(x, self.pooling, style.rank)
        x = self._normalize(x, style) if self.normalized and style.normalized else x
        for number, width in enumerate(self.dense, start=1):
            x = activate(
                keras.layers.Dense(width, kernel_initializer=style.initializer, name=f"dense{number}")(x),
                style.activation,
                f"dense{number}_act",
            )
            x = b.dropout(x, self.dropout, f"dense{number}")
        x = x if self.dense else b.dropout(x, self.dropout, "head")
        return self.classify(x)

    def classify(self, x):
        """From the last hidden features to the output."""
        return b.head(x, self.num_classes, self.activation)

    def _normalize(self, x, style: Style):
        """Instance and group norms take their statistics over positions, which a vector lacks; a layer norm stands for them."""
        kind = "layer" if style.normalization in ("instance", "group") else style.normalization
        return b.normalize(x, replace(style, normalization=kind), "head_norm")


def check_auxiliary_heads(auxiliary_heads: bool, head: Head, features_only: bool) -> None:
    """Raises `ArgumentError` for auxiliary heads beside a main output that is no classifier."""
    if auxiliary_heads and (features_only or head.num_classes == 0):
        received = "features_only=True" if features_only else "num_classes=0"
        raise ArgumentError("auxiliary_heads", f"expected false for {received}, which has no classifier. Received: True.")


def pool(x, pooling: Pooling | None, rank: int):
    """From a map to a vector: `flatten`, or global `avg` or `max`; None leaves the map."""
    if pooling is None:
        return x
    if pooling == "flatten":
        return keras.layers.Flatten(name="flatten")(x)
    kind = {"avg": "GlobalAveragePooling{}D", "max": "GlobalMaxPooling{}D"}[pooling]
    return ranked(kind, rank)(name="pool")(x)


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
