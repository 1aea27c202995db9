"""The end of a classifier: pooling, dense layers, classifier."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal, get_args

import keras

from ..errors import ArgumentError, check_choice
from ..layers import blocks as b
from ..layers.style import Style, activate, ranked
from . import stages

Pooling = Literal["flatten", "avg", "max"]
ClassifierActivation = Literal["auto", "sigmoid", "softmax"]


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
