"""The U-Nets that papers define."""

from typing import Any

from .presets import Preset, register

_RONNEBERGER = "Ronneberger, Fischer and Brox: U-Net: Convolutional networks for biomedical image segmentation. MICCAI"
_ISENSEE = "Isensee et al.: nnU-Net: a self-configuring method for deep learning-based biomedical image segmentation. Nature Methods 18"
_ZHOU = "Zhou et al.: UNet++: A nested U-Net architecture for medical image segmentation. DLMIA"
_OKTAY = "Oktay et al.: Attention U-Net: Learning where to look for the pancreas. MIDL"

_2015: dict[str, Any] = {"input_shape": (572, 572, 1), "num_classes": 2, "dropout": [0, 0, 0, 0.5, 0.5]}
_NNUNET: dict[str, Any] = {
    "num_classes": 2,
    "downsampling": "strided_first_conv",
    "normalization": "instance",
    "activation": {"LeakyReLU": {"negative_slope": 0.01}},
    "bias": "always",
}

register(
    Preset(
        name="unet_2015",
        builder="unet",
        paper=_RONNEBERGER,
        year=2015,
        variant="figure 1: no padding, 572 to 388; dropout in the two deepest stages as in the authors' network",
        twin="31,030,658 parameters; output 388 x 388 x 2",
        trainable=31_030_658,
        total=31_030_658,
        macs=150_428_424_448,
        receptive_field=(188, 204),
        arguments={**_2015, "padding": "valid"},
    ),
    Preset(
        name="unet_2015_same",
        builder="unet",
        paper=_RONNEBERGER,
        year=2015,
        variant="the same with padding, so that the output has the size of the input; 512 x 512",
        twin="31,030,658 parameters",
        trainable=31_030_658,
        total=31_030_658,
        macs=192_384_335_872,
        receptive_field=(188, 204),
        arguments={**_2015, "input_shape": (512, 512, 1)},
    ),
    Preset(
        name="unet_32",
        builder="unet",
        paper=_ZHOU,
        year=2018,
        variant="the paper's baseline U-Net: 32 to 512 filters, 96 x 96",
        twin="7.76 million parameters (table 2)",
        trainable=7_760_097,
        total=7_760_097,
        macs=1_697_513_472,
        receptive_field=(188, 204),
        arguments={"input_shape": (96, 96, 3), "num_classes": 1, "filters": 32},
    ),
    Preset(
        name="attention_unet",
        builder="unet",
        paper=_OKTAY,
        year=2018,
        variant="additive gates on the 2015 network with batch norm; the gating signal is up-sampled before the gate, not within",
        twin="none: the paper's own network is a 3-D one",
        trainable=31_385_670,
        total=31_397_446,
        macs=49_173_757_952,
        receptive_field=(188, 204),
        arguments={"input_shape": (256, 256, 1), "num_classes": 2, "skip": "attention", "normalization": "batch"},
    ),
    Preset(
        name="nnunet_2d",
        builder="unet",
        paper=_ISENSEE,
        year=2021,
        variant="plain 2-D network for 512 x 512 patches: 8 stages of 32 to 512 filters, heads of all scales but the bottleneck's",
        twin="the topology that nnU-Net plans",
        trainable=46_324_558,
        total=46_324_558,
        macs=59_608_727_552,
        receptive_field=(1151, 1279),
        arguments={
            **_NNUNET,
            "input_shape": (512, 512, 1),
            "filters": [32, 64, 128, 256, 512, 512, 512, 512],
            "depth": 7,
            "deep_supervision": 6,
        },
    ),
    Preset(
        name="nnunet_3d",
        builder="unet",
        paper=_ISENSEE,
        year=2021,
        variant="plain 3-D network for 128^3 patches: 6 stages of 32 to 320 filters, heads of all scales but the bottleneck's",
        twin="31,195,594 parameters",
        trainable=31_195_594,
        total=31_195_594,
        macs=477_275_947_008,
        receptive_field=(287, 319),
        arguments={
            **_NNUNET,
            "input_shape": (128, 128, 128, 1),
            "filters": [32, 64, 128, 256, 320, 320],
            "depth": 5,
            "deep_supervision": 4,
        },
    ),
    Preset(
        name="tiny_unet",
        builder="unet",
        paper=_RONNEBERGER,
        year=2015,
        variant="8 to 64 filters in four stages, with batch norm: trains on a laptop",
        twin="none",
        trainable=121_042,
        total=121_746,
        macs=144_572_416,
        receptive_field=(92, 100),
        arguments={"input_shape": (128, 128, 1), "num_classes": 2, "filters": 8, "depth": 3, "normalization": "batch"},
    ),
)
