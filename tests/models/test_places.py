"""The rule for small images, and what is refused without it."""

import pytest

from kzoo import ArgumentError, build_preset
from kzoo.models.places import Place, fit, least_size

STRIDED = [Place("stem", 7, 2), Place("pool", 3, 2), Place("stage2", 3, 2), Place("stage3", 3, 2), Place("stage4", 3, 2)]
UNPADDED = [
    Place("conv1", 5, 1, "valid"),
    Place("pool1", 2, 2, "valid"),
    Place("conv2", 5, 1, "valid"),
    Place("pool2", 2, 2, "valid", least=1),
]


def strides(shape, places=STRIDED, small_input=True):
    return [place.strides for place in fit(places, shape, small_input)]


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        (8, [1, 1, 1, 1, 2]),
        (16, [1, 1, 1, 2, 2]),
        (28, [1, 1, 2, 2, 2]),
        (32, [1, 1, 2, 2, 2]),
        (64, [1, 2, 2, 2, 2]),
        (97, [2, 2, 2, 2, 2]),
    ],
)
def test_the_earliest_strides_go_until_every_stage_has_four_positions(size, expected):
    """By hand: 32 / 8 = 4 and 32 / 16 = 2, so that two strides go; ceil(97 / 32) = 4, so that all stay."""
    assert strides((size, 1)) == [(stride,) for stride in expected]


def test_what_loses_its_stride_has_kernels_of_at_most_three():
    stem, pool, stage2, *_ = fit(STRIDED, (32, 32, 3), small_input=True)
    assert (stem.kernel_size, pool.kernel_size, stage2.kernel_size) == ((3, 3), (3, 3), (3, 3))
    assert fit(STRIDED, (128, 128, 3), small_input=True)[0].kernel_size == (7, 7)


def test_every_axis_is_adapted_by_itself():
    assert strides((8, 64, 1)) == [(1, 1), (1, 2), (1, 2), (1, 2), (2, 2)]


def test_unpadded_places_pad_where_they_have_to_be_adapted():
    """32 - 28 - 14 - 10 - 5 is the published way; 8 has to pad: 8 - 8 - 4 - 4 - 2."""
    assert [place.padding for place in fit(UNPADDED, (32, 32, 1), small_input=True)] == ["valid"] * 4
    assert [place.padding for place in fit(UNPADDED, (8, 8, 1), small_input=True)] == ["same"] * 4
    assert strides((8, 1), UNPADDED) == [(1,), (2,), (1,), (2,)]


def test_padding_is_of_all_axes_and_a_last_pooling_may_leave_less():
    """On the long axis 64 - 64 - 32 - 32 - 16 in place of 64 - 60 - 30 - 26 - 13; 8 ends with 2."""
    places = fit(UNPADDED, (64, 8, 1), small_input=True)
    assert [place.padding for place in places] == ["same"] * 4
    assert [place.strides for place in places] == [(1, 1), (2, 2), (1, 1), (2, 2)]


def test_large_inputs_and_unknown_sizes_are_left_alone():
    assert fit(STRIDED, (224, 224, 3), small_input=True) == fit(STRIDED, (224, 224, 3), small_input=False)
    assert strides((None, None, 3), small_input=False) == [(2, 2)] * 5
    with pytest.raises(ArgumentError, match=r"input_shape: expected fixed sizes for small_input=True, .* Received: \(None, 32, 3\)"):
        fit(STRIDED, (None, 32, 3), small_input=True)


def test_the_smallest_size():
    """Five strides of 2 leave two positions of 33; unpadded, 2 x 1 + 4 and 2 x 6 + 4 are needed."""
    assert least_size(STRIDED) == 33
    assert least_size(UNPADDED) == 16


def test_the_stage_that_collapses_is_named():
    message = (
        r"input_shape: expected larger sizes: stage4 gets 2 along axis 1 and leaves 1, where 2 are needed. Received: \(28, 40, 1\). "
        r"Use at least 33, or small_input=True, which adapts the strides."
    )
    with pytest.raises(ArgumentError, match=message):
        build_preset("resnet18", input_shape=(28, 40, 1))
    with pytest.raises(ArgumentError, match=r"conv2 gets 3 along axis 2 and leaves 0, where 2 are needed. .* Use at least 16, or"):
        fit(UNPADDED, (32, 10, 1), small_input=False)
    with pytest.raises(ArgumentError, match=r"Use at least 33, or small_input=True, which adapts the strides and needs fixed sizes\.$"):
        fit(STRIDED, (None, 16, 1), small_input=False)
    with pytest.raises(ArgumentError, match=r"stem gets 1 along axis 1 and leaves 1, .* Use at least 2\.$"):
        fit(STRIDED, (1, 1), small_input=True)


def test_the_adapted_resnet_is_the_one_in_use_for_small_images():
    """ResNet-18 with a 3 x 3 stem of stride 1 and without the pooling, as it is commonly trained on CIFAR-10: 11,173,962 parameters."""
    model = build_preset("resnet18", input_shape=(32, 32, 3), num_classes=10, small_input=True)
    assert sum(int(weight.shape.num_elements()) for weight in model.trainable_weights) == 11_173_962
    assert model.get_layer("stage4_block2_out").output.shape == (None, 4, 4, 512)
