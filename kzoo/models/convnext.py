"""ConvNeXt (Liu et al. 2022, "A ConvNet for the 2020s", CVPR, arXiv:2201.03545).

A ResNet brought up to date step by step (figure 2): patches of 4 x 4 as the stem, inverted bottlenecks around a depthwise convolution of
size 7 (figure 4), one layer norm and one GELU per block, and a norm and a convolution of size 2 between the stages. Table 9 has the
variants. Layer scale begins at 1e-6, and stochastic depth grows from 0 at the first block to its rate at the last (appendix A).

Equal to keras.applications' with `include_preprocessing=False`, which has no stochastic depth unless asked, and to torchvision's. Its
ImageNet weights expect what that preprocessing gives: per channel a mean of (0.485, 0.456, 0.406) x 255 taken off, divided by (0.229,
0.224, 0.225) x 255; `keras.applications.convnext.preprocess_input` does nothing.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import keras

from ..errors import ArgumentError
from ..layers import blocks as b
from ..layers.downsampling import Downsampling
from ..layers.layer_scale import LayerScale
from ..layers.stochastic_depth import decayed_rates
from ..layers.stochastic_depth import stochastic_depth as drop_branch
from ..layers.style import Activation, Bias, Normalization, Size, Style, activate, check_groups
from . import stages
from .classifier import classifier
from .head import ClassifierActivation, Head, Pooling
from .places import Place
from .presets import Preset, register
from .trunk import Trunk


@classifier("convnext")
def build_convnext(
    *,
    input_shape: Sequence[int | None],
    num_classes: int,
    filters: int | Sequence[int] = 96,
    blocks: Sequence[int] = (3, 3, 9, 3),
    kernel_size: Size | Sequence[Size] = 7,
    expansion: int = 4,
    patch_size: Size = 4,
    layer_scale: float = 1e-6,
    stochastic_depth: float = 0.1,
    downsampling: Downsampling | None = None,
    activation: Activation = "gelu",
    normalization: Normalization = "layer",
    pooling: Pooling | None = "avg",
    dropout: float = 0.0,
    classifier_activation: ClassifierActivation | None = "auto",
    small_input: bool = False,
    features_only: bool = False,
    weights: str | None = None,
    name: str = "convnext",
) -> keras.Model:
    """Builds a ConvNeXt; the default is ConvNeXt-T.

    The pooled map is normalized once more; with instance and group norms, whose statistics run over positions, that is a layer norm.

    Args:
        filters: int for the first stage, doubled from stage to stage, or one per stage.
        blocks: per stage; their number is that of the stages. ConvNeXt-S: 3-3-27-3.
        kernel_size: int or one per stage, each an int or one per axis: of the depthwise convolutions.
        expansion: int, the width inside a block in multiples of its filters.
        patch_size: int or one per axis, kernel and stride of the stem.
        layer_scale: float, the first value of every block's factors per channel; 0 for no factors.
        stochastic_depth: float, rate at which the last block is skipped; rates grow linearly from 0 at the first. ConvNeXt-S: 0.4.
        {shared}

    >>> from kzoo import build_convnext
    >>> build_convnext(input_shape=(32, 32, 3), num_classes=10, filters=8, blocks=[1, 1], patch_size=2).output_shape
    (None, 10)
    """
    rank, depth = stages.rank_of(input_shape), stages.count("blocks", blocks)
    biased: Bias = "always" if normalization == "layer" else "auto"
    style = Style(rank, "same", activation, normalization, order="norm-act-conv", bias=biased)
    of = f"blocks={list(blocks)}"
    widths = stages.doubling(filters, depth, of)
    check_groups("filters", widths, style)
    kernels = stages.sizes_per_stage("kernel_size", kernel_size, depth, rank, of)
    patch = stages.axes("patch_size", patch_size, rank)
    stages.check_rate("stochastic_depth", stochastic_depth)
    block = Block(expansion, layer_scale)
    head = Head(num_classes, pooling, classifier_activation, (), dropout, normalized=True)
    places = [Place("stem_conv", patch, patch, "valid"), *(Place(f"stage{n}_conv", 2, 2, "valid") for n in range(2, depth + 1))]
    net = Trunk(input_shape, style, places, downsampling, small_input, weights)
    rates = iter((0.0, *decayed_rates(stochastic_depth, sum(blocks) - 1)))

    x = net.conv_at(net.image, widths[0], "stem_conv", bare=True)
    x = b.normalize_and_activate(x, style, "stem_conv", act=False)
    for stage, (width, count, kernel) in enumerate(zip(widths, blocks, kernels, strict=True), start=1):
        x = net.conv_at(x, width, f"stage{stage}_conv", act=False, use_bias=True) if stage > 1 else x
        for number in range(1, count + 1):
            x = block(x, kernel, next(rates), style, f"stage{stage}_block{number}")
        net.tap(x, f"stage{stage}")
    return net.model(x, head, features_only=features_only, name=name)


@dataclass(frozen=True)
class Block:
    """A residual block, figure 4; checked when it is made.

    Attributes:
        expansion, layer_scale: arguments of the builder.
    """

    expansion: int
    layer_scale: float

    def __post_init__(self):
        stages.check_positive("expansion", self.expansion)
        if isinstance(self.layer_scale, bool) or not isinstance(self.layer_scale, int | float) or not 0 <= self.layer_scale < float("inf"):
            raise ArgumentError("layer_scale", f"expected a number of at least 0. Received: {self.layer_scale!r}.")

    def __call__(self, x, kernel_size: Size, skip_rate: float, style: Style, name: str):
        """The map, and what the branch adds to it."""
        filters = x.shape[-1]
        branch = b.depthwise_conv(x, kernel_size, style, f"{name}_depthwise", bare=True)
        branch = b.normalize_and_activate(branch, style, f"{name}_depthwise", act=False)
        branch = b.linear_conv(branch, self.expansion * filters, 1, style, f"{name}_expand")
        branch = activate(branch, style.activation, f"{name}_act")
        branch = b.linear_conv(branch, filters, 1, style, f"{name}_project")
        if self.layer_scale:
            branch = LayerScale(self.layer_scale, name=f"{name}_scale")(branch)
        branch = drop_branch(branch, skip_rate, name)
        return keras.layers.Add(name=f"{name}_add")([x, branch])


def keras_name(name: str, model: str) -> str:
    """What keras.applications calls a layer; it counts from 0."""
    whole = {"stem_conv": "stem_conv", "stem_conv_norm": "stem_layernorm", "head_norm": "head_layernorm", "head": "head_dense"}
    if name in whole:
        return f"{model}_{whole[name]}"
    stage, block, layer = re.fullmatch(r"stage(\d+)(?:_block(\d+))?_(.+)", name).groups()  # type: ignore[union-attr]
    if block is None:
        return f"{model}_downsampling_{'layernorm' if layer == 'conv_norm' else 'conv'}_{int(stage) - 2}"
    names = {"depthwise": "depthwise_conv", "depthwise_norm": "layernorm", "expand": "pointwise_conv_1", "project": "pointwise_conv_2"}
    return f"{model}_stage_{int(stage) - 1}_block_{int(block) - 1}_{names.get(layer, 'layer_scale')}"


_PAPER = "Liu et al.: A ConvNet for the 2020s. CVPR"
_TWINS = "keras.applications without preprocessing; torchvision"


def _preset(name: str, variant: str, parameters: int, macs: int, field: int, **arguments) -> Preset:
    given = {"input_shape": (224, 224, 3), "num_classes": 1000, **arguments}
    application = {"convnext_tiny": "ConvNeXtTiny", "convnext_small": "ConvNeXtSmall"}[name]
    renamed = partial(keras_name, model=name)
    return Preset(
        name, "convnext", _PAPER, 2022, variant, _TWINS, parameters, parameters, macs, (field, field), given, application, renamed
    )


register(
    _preset("convnext_tiny", "table 9, T", 28_589_128, 4_455_531_264, 1688),
    _preset("convnext_small", "table 9, S", 50_223_688, 8_683_712_256, 3416, blocks=(3, 3, 27, 3), stochastic_depth=0.4),
)
