"""Batches: every pixel once in validation, the same draws for the same seed and epoch, image and mask moved alike."""

import numpy as np
import pytest

from kzoo.data import IGNORE, Batches, Samples
from kzoo.data.batches import augment, cut


def numbered(*shapes) -> Samples:
    """Images whose pixels are all different; the target is the pixel's value modulo 7."""
    images, targets, start = [], [], 0
    for height, width in shapes:
        values = np.arange(start, start + height * width, dtype=np.int64).reshape(height, width)
        images.append(values[..., None])
        targets.append((values % 7).astype(np.uint8))
        start += height * width
    return Samples(images, targets, [str(i) for i in range(len(images))])


def every(batches: Batches) -> tuple[np.ndarray, np.ndarray]:
    inputs, targets = zip(*(batches[i] for i in range(len(batches))), strict=True)
    return np.concatenate(inputs), np.concatenate(targets)


@pytest.mark.parametrize("shapes", [[(16, 16)], [(20, 33), (16, 17)], [(7, 50), (40, 5)]])
def test_validation_covers_every_pixel_once(shapes):
    samples = numbered(*shapes)
    inputs, targets = every(Batches(samples, 3, (16, 16)))
    counted = np.sort(inputs[..., 0][targets != IGNORE])
    np.testing.assert_array_equal(counted, np.arange(sum(h * w for h, w in shapes)))


@pytest.mark.parametrize("margin", [0, 6])
@pytest.mark.parametrize("training", [True, False])
def test_targets_are_the_centre_of_the_inputs(margin, training):
    batches = Batches(numbered((30, 40)), 2, (16 + margin, 16 + margin), (16, 16), training, "dihedral", seed=3)
    inputs, targets = every(batches)
    half = margin // 2
    centre = inputs[:, half : half + 16, half : half + 16, 0]
    valid = targets != IGNORE
    assert valid.any()
    np.testing.assert_array_equal(centre[valid] % 7, targets[valid])


def test_draws_depend_on_seed_and_epoch_only():
    def draw(seed, epoch):
        batches = Batches(numbered((40, 40), (40, 40)), 2, (16, 16), training=True, augmentation="dihedral", seed=seed)
        batches.epoch = epoch
        return every(batches)[0]

    np.testing.assert_array_equal(draw(1, 5), draw(1, 5))
    assert not np.array_equal(draw(1, 5), draw(1, 6))
    assert not np.array_equal(draw(1, 5), draw(2, 5))


def test_training_sees_each_image_as_often_as_it_has_windows():
    batches = Batches(numbered((32, 32), (16, 16)), 2, (16, 16), training=True)
    inputs, _ = every(batches)
    assert batches.items == 5
    assert (inputs[:, 0, 0, 0] >= 1024).sum() == 1


def test_scale_and_offset_per_image():
    samples = Samples(np.full((2, 2, 2, 1), 10, np.uint8), np.zeros(2, int), ["a", "b"], scale=np.array([1, 0.5]), offset=np.array([0, 4]))
    inputs, targets = Batches(samples, 2)[0]
    assert inputs.dtype == np.float32
    assert inputs[:, 0, 0, 0].tolist() == [10.0, 3.0]
    assert targets.tolist() == [0, 0]


def test_cut_mirrors_without_repeating_the_edge():
    row = np.arange(4).reshape(1, 4)
    assert cut(row, (0, -2), (1, 8))[0].tolist() == [2, 1, 0, 1, 2, 3, 2, 1]
    assert cut(np.ones((1, 1)), (-2, -1), (4, 3)).tolist() == [[1] * 3] * 4


@pytest.mark.parametrize(("kind", "variants"), [("none", 1), ("flip", 2), ("dihedral", 8)])
def test_augmentation_draws_every_symmetry_and_moves_both_alike(kind, variants):
    rng = np.random.default_rng(0)
    image = np.arange(9).reshape(3, 3, 1)
    seen = set()
    for _ in range(100):
        moved, mask = augment(image, image[..., 0], kind, rng)
        np.testing.assert_array_equal(moved[..., 0], mask)
        seen.add(mask.tobytes())
    assert len(seen) == variants
