"""A folder of images with masks: what is read, and one line for every kind of faulty file."""

import numpy as np
import pytest
import tifffile
from PIL import Image
from skimage.io import imread, imsave

from kzoo import InputError
from kzoo.data import IGNORE, Batches, image_folder


def save(path, array):
    imsave(path, array, check_contrast=False)


def test_reads_splits_and_binarises(image_folder_path):
    data = image_folder(path=image_folder_path, size=16, validation=0.34)
    assert (len(data.train), len(data.validation)) == (4, 2)
    assert data.input_shape == (16, 16, 1)
    assert set(data.train.names).isdisjoint(data.validation.names)
    name, target = data.train.names[0], data.train.targets[0]
    np.testing.assert_array_equal(target, imread(image_folder_path / "masks" / f"{name}.png") > 0)


def test_the_split_depends_on_the_seed_only(image_folder_path):
    one, same, other = (image_folder(path=image_folder_path, size=16, seed=s).validation.names for s in (0, 0, 5))
    assert one == same
    assert one != other


def test_images_smaller_than_the_window_are_mirrored_and_not_counted_twice(image_folder_path):
    data = image_folder(path=image_folder_path, size=64)
    inputs, targets = Batches(data.validation, 1, (64, 64))[0]
    assert inputs.shape == (1, 64, 64, 1)
    assert (targets != IGNORE).sum() == 40 * 48


def test_standardize(image_folder_path):
    samples = image_folder(path=image_folder_path, size=16, intensity="standardize").train
    for index, image in enumerate(samples.images):
        pixels = samples.inputs(index, image)
        assert abs(pixels.mean()) < 1e-4
        assert abs(pixels.std() - 1) < 1e-4


def test_range_of_sixteen_bits_and_lzw_tiff(image_folder_path):
    for file in (image_folder_path / "images").iterdir():
        wide = imread(file).astype(np.uint16) * 257
        file.unlink()
        tifffile.imwrite(file.with_suffix(".tif"), wide, compression="lzw")
    samples = image_folder(path=image_folder_path, size=16).train
    assert samples.images[0].dtype == np.uint16
    assert samples.inputs(0, samples.images[0]).max() == pytest.approx(samples.images[0].max() / 65535)


def test_an_opaque_alpha_channel_is_dropped(image_folder_path):
    for file in (image_folder_path / "images").iterdir():
        grey = imread(file)
        save(file, np.dstack([grey, grey, grey, np.full_like(grey, 255)]))
    assert image_folder(path=image_folder_path, size=16).input_shape == (16, 16, 3)


def no_mask(folder):
    (folder / "masks" / "cell3.png").unlink()


def no_image(folder):
    (folder / "images" / "cell3.png").unlink()


def other_size(folder):
    save(folder / "masks" / "cell3.png", np.zeros((40, 40), np.uint16))


def truncated(folder):
    file = folder / "images" / "cell3.png"
    file.write_bytes(file.read_bytes()[:200])


def no_picture(folder):
    (folder / "masks" / "cell3.png").write_text("hello")


def colour(folder):
    save(folder / "images" / "cell3.png", np.zeros((40, 48, 3), np.uint8))


def float_mask(folder):
    (folder / "masks" / "cell3.png").unlink()
    tifffile.imwrite(folder / "masks" / "cell3.tif", np.full((40, 48), 0.7, np.float32))


def not_finite(folder):
    (folder / "images" / "cell3.png").unlink()
    tifffile.imwrite(folder / "images" / "cell3.tif", np.full((40, 48), np.nan, np.float32))


def same_name(folder):
    save(folder / "images" / "cell3.bmp", np.zeros((40, 48), np.uint8))


def colour_mask(folder):
    save(folder / "masks" / "cell3.png", np.zeros((40, 48, 3), np.uint8))


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        (no_mask, "images/cell3.png: has no mask. Add masks/cell3.png, or remove the image."),
        (no_image, "masks/cell3.png: has no image. Add images/cell3.png, or remove the mask."),
        (other_size, "masks/cell3.png: expected 40 x 48 pixels, as cell3.png has. Received: 40 x 40."),
        (truncated, "images/cell3.png: cannot be read as an image ("),
        (no_picture, "masks/cell3.png: cannot be read as an image ("),
        (colour, "images/cell3.png: expected 1 channel(s), as in cell0.png. Received: 3. Convert it."),
        (float_mask, "masks/cell3.tif: expected whole numbers as labels. Received: 0.699"),
        (not_finite, "images/cell3.tif: expected finite pixel values. Received: NaN or infinite ones. Replace or remove it."),
        (same_name, "images/cell3.bmp: has the name of cell3.png too. Rename one of them."),
        (
            colour_mask,
            "masks/cell3.png: expected a mask of one channel, or with a palette. Received: shape (40, 48, 3). Save labels, not colours.",
        ),
    ],
)
def test_a_faulty_file_is_one_line(image_folder_path, damage, message):
    damage(image_folder_path)
    with pytest.raises(InputError) as caught:
        image_folder(path=image_folder_path, size=16)
    assert str(caught.value).startswith(f"{image_folder_path}/{message}")
    assert "\n" not in str(caught.value)


def test_all_faulty_files_are_named_at_once(image_folder_path):
    truncated(image_folder_path)
    save(image_folder_path / "masks" / "cell1.png", np.zeros((4, 4), np.uint16))
    with pytest.raises(InputError) as caught:
        image_folder(path=image_folder_path, size=16)
    assert [line.split(":")[0].split("/")[-1] for line in str(caught.value).splitlines()] == ["cell1.png", "cell3.png"]


def test_labels_outside_the_classes(image_folder_path):
    with pytest.raises(InputError, match=r"masks/cell0.png: expected labels 0 to 1 \(2 classes\) or 255 \(ignored\)\. Received: 300\."):
        image_folder(path=image_folder_path, labels="classes", size=16)


def test_negative_labels_are_refused(image_folder_path):
    for file in (image_folder_path / "masks").iterdir():
        tifffile.imwrite(file.with_suffix(".tif"), np.full((40, 48), -1, np.int16))
        file.unlink()
    with pytest.raises(InputError, match=r"expected labels 0 to 1 .* Received: -1\."):
        image_folder(path=image_folder_path, labels="classes", size=16)


def test_palette_masks_are_labels(image_folder_path):
    for file in (image_folder_path / "masks").iterdir():
        labels = (imread(file) > 0).astype(np.uint8)
        palette = Image.fromarray(labels, mode="P")
        palette.putpalette([0, 0, 0, 255, 0, 0])
        palette.save(file)
    data = image_folder(path=image_folder_path, labels="classes", size=16)
    assert set(np.unique(data.train.targets[0])) == {0, 1}


def test_masks_that_are_ignored_everywhere(image_folder_path):
    for file in (image_folder_path / "masks").iterdir():
        save(file, np.full((40, 48), IGNORE, np.uint8))
    with pytest.raises(InputError, match=r"masks: expected masks with labels\. Received: only 255"):
        image_folder(path=image_folder_path, labels="classes", size=16)


def test_a_float_image_of_four_channels(image_folder_path):
    for file in (image_folder_path / "images").iterdir():
        tifffile.imwrite(file.with_suffix(".tif"), np.ones((40, 48, 4), np.float32))
        file.unlink()
    assert image_folder(path=image_folder_path, size=16).input_shape == (16, 16, 4)


def test_neither_part_is_empty(image_folder_path):
    assert len(image_folder(path=image_folder_path, size=16, validation=0.99).train) == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"intensity": "standardise"}, "intensity: expected one of range, standardize. Received: standardise. Did you mean standardize?"),
        ({"augmentation": "flips"}, "augmentation: expected one of none, flip, dihedral. Received: flips. Did you mean flip?"),
        ({"classes": ["a"]}, "classes: expected at least two names. Received: ['a']."),
        ({"seed": -1}, "seed: expected an integer of at least 0 and less than 4294967296. Received: -1."),
        ({"sizes": 3}, "sizes: unknown; expected one of path, images"),
    ],
)
def test_arguments_are_strict(image_folder_path, options, message):
    with pytest.raises(InputError) as caught:
        image_folder(path=image_folder_path, **options)
    assert str(caught.value).startswith(message)


def test_class_masks_keep_their_values(image_folder_path):
    for file in (image_folder_path / "masks").iterdir():
        mask = (imread(file) > 0).astype(np.uint8) * 2
        mask[0] = IGNORE
        save(file, mask)
    data = image_folder(path=image_folder_path, labels="classes", classes=["a", "b", "c"], size=16)
    assert set(np.unique(data.train.targets[0])) == {0, 2, IGNORE}


def test_folders_that_are_not_there_or_empty(image_folder_path, tmp_path):
    with pytest.raises(InputError, match="path: expected a folder that holds images/"):
        image_folder(path=tmp_path / "nowhere")
    with pytest.raises(InputError, match=r"masks: expected the name of a folder in .*, which holds images, masks"):
        image_folder(path=image_folder_path, masks="labels")
    for file in (image_folder_path / "images").iterdir():
        file.unlink()
    with pytest.raises(InputError, match=r"images: expected image files \(\.png, .*Received: a folder without any"):
        image_folder(path=image_folder_path)
