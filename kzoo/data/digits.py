"""scikit-learn's handwritten digits: 1,797 images of 8 x 8 (Alpaydin and Kaynak 1998, UCI "Optical recognition of handwritten digits")."""

import numpy as np

from ..domains import Share
from .dataset import SOURCES, Dataset, Samples


@SOURCES.register("digits")
def digits(*, validation: Share = 0.1) -> Dataset:
    """The split of scikit-learn's own example: first half for training, second half for test, unshuffled.

    The samples stand writer by writer, so the writers of the test half were (but for one) not seen in training.

    Args:
        validation: float, the share of the first half, at its end, that is kept for validation.

    Returns:
        A classification `Dataset` of shape (8, 8, 1), values 0 to 1, 10 classes.

    >>> data = digits()
    >>> len(data.train), len(data.validation), len(data.test)
    (808, 90, 899)
    """
    from sklearn.datasets import load_digits

    images, labels = load_digits(return_X_y=True)
    images = images.reshape(-1, 8, 8, 1).astype(np.uint8)
    half = len(images) // 2
    kept = half - min(max(round(half * validation), 1), half - 1)

    def part(start: int, stop: int) -> Samples:
        names = [f"{n:04}" for n in range(start, stop)]
        return Samples(images[start:stop], labels[start:stop], names, scale=1 / 16)

    return Dataset(
        name="digits",
        task="classification",
        train=part(0, kept),
        validation=part(kept, half),
        test=part(half, len(images)),
        input_shape=(8, 8, 1),
        classes=tuple("0123456789"),
    )
