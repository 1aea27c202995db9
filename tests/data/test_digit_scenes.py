"""The built-in set: exact masks, seeds, touching digits, and nothing shared between training and validation."""

import numpy as np
import pytest
from scipy import ndimage
from skimage import data
from sklearn.datasets import load_digits

from kzoo import ArgumentError
from kzoo.data import digit_scenes, make_scenes
from kzoo.data.digit_scenes import FORM_STARTS, TEXTURES, _material


@pytest.fixture(scope="module")
def scenes():
    return make_scenes(count=60, seed=1)


def test_classes_and_instances_agree(scenes):
    np.testing.assert_array_equal(scenes.classes > 0, scenes.instances > 0)
    for classes, instances in zip(scenes.classes, scenes.instances, strict=True):
        for number in range(1, instances.max() + 1):
            assert len(np.unique(classes[instances == number])) == 1
    assert set(np.unique(scenes.classes)) == set(range(11))


def test_several_per_scene_and_some_touch(scenes):
    counts = scenes.instances.reshape(60, -1).max(1)
    assert counts.min() >= 1
    assert counts.max() == 5
    pieces = [ndimage.label(i > 0, np.ones((3, 3)))[1] for i in scenes.instances]
    assert 5 < sum(p < c for p, c in zip(pieces, counts, strict=True)) < 55


def test_ink_stands_out(scenes):
    contrast = [np.abs(i[c > 0].astype(int) - i[c == 0].mean()).mean() for i, c in zip(scenes.images[..., 0], scenes.classes, strict=True)]
    assert np.median(contrast) > 60


def test_seeded():
    np.testing.assert_array_equal(make_scenes(count=2, seed=4).images, make_scenes(count=2, seed=4).images)
    assert not np.array_equal(make_scenes(count=2, seed=4).images, make_scenes(count=2, seed=5).images)


def test_the_forms_of_the_writers_begin_where_we_say():
    """Whoever filled it, a form begins with 0 to 9 and ends with 4 9 0 8 9 8; a digit is missing or misread here and there."""
    labels = "".join(map(str, load_digits().target))
    for start in FORM_STARTS[1:]:
        assert "4908" in labels[start - 7 : start]
    for start in FORM_STARTS[:-1]:
        assert labels[start : start + 10].lstrip("0").startswith("123456789")
    assert FORM_STARTS[-1] == len(labels)


def test_parts_share_no_writer_and_no_texture():
    """What the scenes are made of, for both parts: other digits, and columns of the photographs that do not meet."""
    digits, labels, textures = zip(*(_material(subset) for subset in ("train", "validation")), strict=True)
    assert [len(d) for d in digits] == [1287, 382]
    images = load_digits().images / 16
    np.testing.assert_array_equal(digits[0], images[:1287])
    np.testing.assert_array_equal(digits[1], images[1415:])
    np.testing.assert_array_equal(labels[1], load_digits().target[1415:])
    for train, validation, name in zip(*textures, TEXTURES, strict=True):
        whole = getattr(data, name)() / 255
        np.testing.assert_array_equal(np.hstack([train, validation]), whole)
        assert validation.shape == (512, 192)


def test_foreground_is_the_classes_without_their_names():
    digits, foreground = (digit_scenes(scenes=3, validation_scenes=2, labels=kind) for kind in ("digits", "foreground"))
    np.testing.assert_array_equal(np.asarray(digits.train.targets) > 0, np.asarray(foreground.train.targets) == 1)
    assert (len(digits.classes), len(foreground.classes)) == (11, 2)
    assert digits.fingerprint != foreground.fingerprint


@pytest.mark.parametrize(
    ("options", "argument"),
    [({"scenes": 0}, "scenes"), ({"size": 16}, "size"), ({"size": 400}, "size"), ({"most_digits": 1}, "most_digits")],
)
def test_errors(options, argument):
    with pytest.raises(ArgumentError) as caught:
        digit_scenes(**{"scenes": 2, "validation_scenes": 2, **options})
    assert caught.value.argument == argument
