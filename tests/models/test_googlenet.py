"""GoogLeNet: table 1 of the paper, torchvision's integers, auxiliary classifiers by hand, and what each argument changes."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build_googlenet, build_preset, describe, load, profile, save
from kzoo.models import DeeplySupervised, main_output
from kzoo.stack import ops

from .cells import path, random, run, scramble

ROW = [4, 3, 5, 2, 4, 3]
SMALL = {"input_shape": (33, 40, 2), "num_classes": 3, "modules": [[ROW], [ROW] * 4, [ROW]], "stem_filters": [4, 3, 6]}

TABLE_1 = {
    "stage2": (112, 360),
    "stage3_block1": (159, 128),
    "stage3_block2": (380, 304),
    "stage4_block1": (364, 73),
    "stage4_block2": (437, 88),
    "stage4_block3": (463, 100),
    "stage4_block4": (580, 119),
    "stage4_block5": (840, 170),
    "stage5_block1": (1072, 54),
    "stage5_block2": (1388, 71),
    "head": (1000, 1),
}
"""Parameters in thousands of 1,024 and operations in millions."""


def auxiliary(**options) -> keras.Model:
    return build_googlenet(**SMALL, auxiliary_heads=True, width=0.25, **options)


def test_the_paper_counts_as_table_1():
    """Parameters and operations of (4c) and (5a) are up to 8 % off what the widths in the same rows give; all others agree to 2.5 %."""
    layers = profile(build_preset("googlenet")).layers
    for name, (parameters, operations) in TABLE_1.items():
        members = [layer for layer in layers if layer.name.startswith(name)]
        off = 0.08 if name in ("stage4_block3", "stage5_block1") else 0.025
        assert sum(layer.total for layer in members) / 1024 == pytest.approx(parameters, rel=off)
        assert sum(layer.macs for layer in members) / 1e6 == pytest.approx(operations, rel=off)


def test_sizes_of_table_1():
    features = build_preset("googlenet", features_only=True)
    assert [output.shape[1:] for output in features.outputs] == [(112, 112, 64), (56, 56, 192), (28, 28, 480), (14, 14, 832), (7, 7, 1024)]


def test_torchvision_with_its_auxiliary_heads():
    model = build_preset("googlenet_torchvision", auxiliary_heads=True)
    assert sum(int(np.prod(weight.shape)) for weight in model.trainable_weights) == 13_004_888


def test_a_module_is_four_branches():
    """Against keras.ops: sizes 1; 1 and 3; 1 and 5; maxima over 3 and size 1; joined in that order."""
    model = scramble(build_googlenet(**SMALL))
    before = run(keras.Model(model.input, model.get_layer("stage2_pool").output), random(2, 33, 40, 2))

    def conv(x, name: str):
        kernel, bias = model.get_layer(f"stage3_block1_{name}").get_weights()
        return ops.relu(ops.conv(x, kernel, padding="same") + bias)

    expected = ops.concatenate(
        [
            conv(before, "branch1_conv"),
            conv(conv(before, "branch2_reduce"), "branch2_conv"),
            conv(conv(before, "branch3_reduce"), "branch3_conv"),
            conv(keras.layers.MaxPooling2D(3, 1, "same")(before), "branch4_conv"),
        ],
        axis=-1,
    )
    module = keras.Model(model.get_layer("stage2_pool").output, model.get_layer("stage3_block1_concat").output)
    np.testing.assert_allclose(run(module, before), expected, atol=1e-5)
    assert model.get_layer("stage3_block1_branch3_conv").kernel_size == (5, 5)


def test_local_responses_are_normalized_twice_in_the_stem():
    names = [layer.name for layer in build_googlenet(**SMALL).layers]
    assert names[:8] == ["image", "stem_conv_pad", "stem_conv", "stem_pool", "stem_lrn", "stage2_reduce", "stage2_conv", "stage2_lrn"]
    assert not [name for name in (layer.name for layer in build_googlenet(**SMALL, local_response_norm=False).layers) if "lrn" in name]


def test_width_multiplies_all_filters():
    model = auxiliary()
    widths = {layer.name: layer.output.shape[-1] for layer in model.layers if layer.weights}
    assert [widths[name] for name in ("stem_conv", "stage2_conv", "stage5_block1_branch2_conv")] == [1, 2, 1]
    assert [widths[f"auxiliary1_{name}"] for name in ("conv", "dense", "head")] == [32, 256, 3]


def test_kernels_are_those_of_torchvision_if_asked():
    model = build_googlenet(**SMALL, branch_kernel=(3, 1), pool_kernel=[3, 3, (3, 2), 2])
    assert model.get_layer("stage4_block2_branch3_conv").kernel_size == (3, 1)
    windows = [model.get_layer(f"{name}_pool").pool_size for name in ("stem", "stage2", "stage3", "stage4")]
    assert windows == [(3, 3), (3, 3), (3, 2), (2, 2)]


def test_auxiliary_heads_stand_behind_4a_and_4d():
    model = build_preset("googlenet_auxiliary")
    for number, (before, size) in enumerate((("stage4_block1", 512), ("stage4_block4", 528)), start=1):
        assert model.get_layer(f"auxiliary{number}_pool").input is model.get_layer(f"{before}_concat").output
        assert model.get_layer(f"auxiliary{number}_pool").output.shape == (None, 4, 4, size)
        assert model.get_layer(f"auxiliary{number}_dense_dropout").rate == 0.7
    assert [output.shape for output in model.outputs] == [(None, 1000)] * 3
    assert model.get_layer("head_dropout").rate == 0.4


def test_the_loss_weighs_auxiliary_heads_by_0_3_and_metrics_see_the_main_one(tmp_path):
    """By hand, also with weights of samples, and after a file."""
    model = scramble(auxiliary())
    model.compile("sgd", "sparse_categorical_crossentropy", metrics=["accuracy"])
    x, y, weights = random(6, 33, 40, 2), np.arange(6) % 3, np.array([1.0, 2, 0, 1, 0.5, 3])
    outputs = [ops.convert_to_numpy(output) for output in model(x, training=False)]
    terms = np.array([-np.log(output[range(6), y]) for output in outputs])
    by_hand = np.array([1, 0.3, 0.3]) @ terms
    scores = model.evaluate(x, y, verbose=0, return_dict=True)
    assert scores["loss"] == pytest.approx(by_hand.mean(), rel=1e-4)
    assert scores["accuracy"] == pytest.approx((outputs[0].argmax(-1) == y).mean())
    assert not [name for name in scores if "accuracy" in name and name != "accuracy"]
    weighted = model.evaluate(x, y, sample_weight=weights, verbose=0, return_dict=True)["loss"]
    assert weighted == pytest.approx((by_hand * weights).mean(), rel=1e-4)
    save(model, tmp_path / "googlenet.keras")
    again = load(tmp_path / "googlenet.keras")
    assert isinstance(again, DeeplySupervised)
    assert again.evaluate(x, y, verbose=0, return_dict=True) == pytest.approx(scores)
    again.compile("sgd", "sparse_categorical_crossentropy")
    assert again.evaluate(x, y, verbose=0, return_dict=True)["loss"] == pytest.approx(scores["loss"])


def test_plain_fit_trains_every_head():
    model = auxiliary(activation="elu", dropout=0.0)
    model.compile(keras.optimizers.SGD(0.1), "sparse_categorical_crossentropy", metrics=["accuracy"])
    before = [weight.copy() for weight in model.get_weights()]
    history = model.fit(random(8, 33, 40, 2), np.arange(8) % 3, batch_size=8, epochs=2, verbose=0).history
    assert np.isfinite(history["loss"]).all()
    assert not [path(v) for v, b, a in zip(model.weights, before, model.get_weights(), strict=True) if np.array_equal(a, b)]


def test_the_main_output_alone():
    model = auxiliary()
    main = main_output(model)
    x = random(2, 33, 40, 2)
    np.testing.assert_array_equal(run(main, x), ops.convert_to_numpy(model(x, training=False)[0]))
    assert not [layer.name for layer in main.layers if layer.name.startswith("auxiliary")]
    assert describe(main).arguments["auxiliary_heads"] is False
    assert describe(main).parameters == main.count_params()
    assert describe(main).hash == describe(build_googlenet(**SMALL, width=0.25)).hash


def test_a_file_without_auxiliary_heads_leaves_them_new(tmp_path):
    plain = scramble(build_googlenet(**SMALL, width=0.25))
    save(plain, tmp_path / "plain.keras")
    x = random(2, 33, 40, 2)
    model = auxiliary(weights=str(tmp_path / "plain.keras"))
    np.testing.assert_array_equal(ops.convert_to_numpy(model(x, training=False)[0]), run(plain, x))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modules": [[[4, 4, 4]]]}, r"modules: expected six widths per module, such as .* Received: \[4, 4, 4\]"),
        ({"modules": [ROW]}, "modules: expected six widths per module, .* Received: 4"),
        ({"modules": [[]]}, r"modules: expected a list of modules per stage. Received: \[\[\]\]"),
        ({"modules": [[[4, 4, 4, 4, 4, 0]]]}, "modules: expected an integer of at least 1. Received: 0"),
        ({"stem_filters": [4, 4]}, r"stem_filters: expected three widths, such as \[64, 64, 192\]. Received: \[4, 4\]"),
        ({"width": 0}, "width: expected a number above 0. Received: 0"),
        ({"pool_kernel": [3, 2]}, r"pool_kernel: expected one value or 4 \(one per stage, 3 stages of modules\)"),
        ({"branch_kernel": (5, 5, 5)}, r"branch_kernel: expected an integer or one per spatial axis \(2\)"),
        ({"normalization": "group"}, "modules: expected multiples of 8, the groups"),
        (
            {"auxiliary_heads": True, "features_only": True},
            "auxiliary_heads: expected false for features_only=True, which has no classifier",
        ),
        ({"auxiliary_heads": True, "num_classes": 0}, "auxiliary_heads: expected false for num_classes=0, which has no classifier"),
        (
            {"auxiliary_heads": True, "modules": [[ROW]]},
            "auxiliary_heads: expected false unless the second stage of modules has at least 3",
        ),
        ({"auxiliary_heads": True, "input_shape": (None, 40, 2)}, "input_shape: expected fixed sizes for auxiliary_heads=True"),
    ],
    ids=str,
)
def test_wrong_arguments(options, message):
    with pytest.raises(ArgumentError, match=message):
        build_googlenet(**{**SMALL, **options})
