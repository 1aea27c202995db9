import numpy as np
import pytest
from sklearn.datasets import load_digits

from kzoo import ArgumentError
from kzoo.data import digits


def test_the_split_of_scikit_learns_example():
    data = digits()
    images, labels = load_digits(return_X_y=True)
    first = np.concatenate([data.train.targets, data.validation.targets])
    np.testing.assert_array_equal(first, labels[:898])
    np.testing.assert_array_equal(data.test.targets, labels[898:])
    np.testing.assert_allclose(data.test.inputs(5, data.test.images[5])[..., 0], images[903].reshape(8, 8) / 16)


def test_validation_is_a_share():
    with pytest.raises(ArgumentError, match="validation: expected a number of more than 0 and less than 1"):
        digits(validation=0.0)


@pytest.mark.parametrize(("share", "sizes"), [(0.0001, [897, 1]), (0.9999, [1, 897])])
def test_neither_part_is_empty(share, sizes):
    data = digits(validation=share)
    assert [len(data.train), len(data.validation)] == sizes
