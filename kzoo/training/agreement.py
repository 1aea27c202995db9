"""Metrics of agreement between labels and predictions from their confusion matrix: Cohen's kappa and Matthews' correlation."""

from typing import Literal

import keras

from ..errors import ArgumentError, check_choice
from ..stack import ops

Weightage = Literal["linear", "quadratic"]


class _Agreement(keras.metrics.Metric):
    """Counts samples, or pixels, by class (row) and predicted class (column) over the whole data set."""

    def __init__(self, num_classes: int, sparse_labels: bool, ignore_class: int | None, **options):
        super().__init__(**options)
        if num_classes != int(num_classes) or num_classes < 2:
            raise ArgumentError("num_classes", f"expected at least 2. Received: {num_classes}.")
        self.num_classes = int(num_classes)
        self.sparse_labels = sparse_labels
        self.ignore_class = ignore_class
        self.conf_mtx = self.add_weight(name="conf_mtx", shape=(self.num_classes,) * 2, initializer="zeros", dtype="float32")

    def count(self, labels, predicted, sample_weight=None) -> None:
        """Adds classes of any shape to the matrix."""
        labels, predicted = (ops.reshape(ops.cast(x, "int32"), (-1,)) for x in (labels, predicted))
        weights = ops.ones_like(labels, dtype="float32")
        if sample_weight is not None:
            weights = weights * ops.reshape(ops.cast(sample_weight, "float32"), (-1,))
        if self.ignore_class is not None:
            counted = ops.not_equal(labels, self.ignore_class)
            labels, weights = ops.where(counted, labels, 0), weights * ops.cast(counted, "float32")
        n = self.num_classes
        known = (labels >= 0) & (labels < n) & (predicted >= 0) & (predicted < n)
        # What is no class has no cell: TensorFlow on a CPU says so, others leave it out.
        cells = ops.where(known, labels * n + predicted, n * n)
        self.conf_mtx.assign_add(ops.reshape(ops.segment_sum(weights, cells, num_segments=n * n), (n, n)))

    def reset_state(self):
        self.conf_mtx.assign(ops.zeros(self.conf_mtx.shape, "float32"))

    def shares(self):
        """The matrix, divided by the number of samples; not a number where there are none."""
        return self.conf_mtx / ops.sum(self.conf_mtx)

    def classes(self, y_true):
        """The labels' classes: as they are, or those of one-hot vectors."""
        if self.sparse_labels:
            return y_true
        if len(y_true.shape) < 2 or y_true.shape[-1] != self.num_classes:
            shape = tuple(y_true.shape)
            raise ArgumentError(
                "y_true", f"expected one-hot vectors of {self.num_classes} classes. Received: shape {shape}. Set sparse_labels."
            )
        return ops.argmax(y_true, axis=-1)

    def likeliest(self, y_pred):
        """The classes with the highest scores."""
        if y_pred.shape[-1] != self.num_classes:
            raise ArgumentError("y_pred", f"expected scores of {self.num_classes} classes. Received: {y_pred.shape[-1]}.")
        return ops.argmax(y_pred, axis=-1)

    def get_config(self) -> dict:
        names = ("num_classes", "sparse_labels", "ignore_class")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}}


@keras.saving.register_keras_serializable("kzoo")
class CohenKappa(_Agreement):
    """How much two raters agree beyond chance: 1 for always, 0 for no more than chance (Cohen 1960, "A coefficient of agreement").

    The successor of `tensorflow_addons.metrics.CohenKappa`, with its names, defaults and values: 0 before any sample is seen, and not a
    number where all samples and predictions are of one class. It goes further in that class maps `(batch, *spatial)` are counted pixel by
    pixel, with `ignore_class`.

    Args:
        num_classes: int. With 2, predictions are one probability each, and a class is predicted above one half.
        name: str, the metric's name.
        weightage: None where all errors are alike, `linear` or `quadratic` where they grow with the distance between the classes.
        sparse_labels: bool, for more than two classes: whether labels are classes, or else one-hot vectors.
        regression: bool, for more than two classes: whether predictions `(batch, 1)` are rounded to the next class, or else are scores per
            class. Predictions of shape `(batch,)` are classes.
        dtype: of the result.
        ignore_class: int, a label that does not count; not in the original.

    Raises:
        ArgumentError: `weightage` or `num_classes` is none of these.

    >>> metric = CohenKappa(num_classes=5, sparse_labels=True)
    >>> metric.update_state([4, 4, 3, 4, 2, 4, 1, 1], [4, 4, 3, 4, 4, 2, 1, 1])
    >>> round(float(metric.result()), 4)
    0.619
    """

    def __init__(
        self,
        num_classes: int,
        name: str = "cohen_kappa",
        weightage: Weightage | None = None,
        sparse_labels: bool = False,
        regression: bool = False,
        dtype=None,
        ignore_class: int | None = None,
    ):
        super().__init__(num_classes, sparse_labels, ignore_class, name=name, dtype=dtype)
        if weightage is not None:
            check_choice("weightage", weightage, ("linear", "quadratic"))
        self.weightage = weightage
        self.regression = regression

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        labels = y_true if self.num_classes == 2 else self.classes(y_true)
        self.count(labels, self._predicted(y_pred), sample_weight)

    def _predicted(self, y_pred):
        if self.num_classes == 2:
            return ops.cast(y_pred, "float32") > 0.5
        if len(y_pred.shape) < 2:
            return y_pred
        return ops.round(ops.abs(y_pred)) if self.regression else self.likeliest(y_pred)

    def result(self):
        shares = self.shares()
        by_chance = ops.outer(ops.sum(shares, axis=1), ops.sum(shares, axis=0))
        errors = self._errors()
        expected = ops.sum(by_chance * errors)
        kappa = 1 - ops.sum(shares * errors) / expected
        return ops.cast(ops.where(ops.isnan(expected), 0.0, kappa), self.dtype)

    def _errors(self):
        """How much each cell of the matrix counts as an error."""
        classes = ops.arange(self.num_classes, dtype="float32")
        distance = ops.abs(classes[:, None] - classes)
        powers = {None: ops.sign, "linear": ops.abs, "quadratic": ops.square}
        return powers[self.weightage](distance)

    def get_config(self) -> dict:
        return {**super().get_config(), "weightage": self.weightage, "regression": self.regression}


@keras.saving.register_keras_serializable("kzoo")
class MatthewsCorrelationCoefficient(_Agreement):
    """The correlation of labels and predictions: 1 for equal ones, 0 for no better than chance (Gorodkin 2004, for two or more classes).

    The successor of `tensorflow_addons.metrics.MatthewsCorrelationCoefficient`, with its names, defaults and values: 0 where labels or
    predictions are all of one class. It goes further in that labels may be classes, also as maps `(batch, *spatial)`, and in that one score
    per sample is taken for a probability of class 1, where the original finds class 0 always.

    Args:
        num_classes: int.
        name: str, the metric's name.
        dtype: of the result.
        sparse_labels: bool, whether labels are classes, or else one-hot vectors; not in the original.
        ignore_class: int, a label that does not count; not in the original.

    Raises:
        ArgumentError: there are fewer than two classes.

    >>> metric = MatthewsCorrelationCoefficient(num_classes=2)
    >>> metric.update_state([[0, 1], [0, 1], [0, 1], [1, 0]], [[0, 1], [1, 0], [0, 1], [0, 1]])
    >>> round(float(metric.result()), 4)
    -0.3333
    """

    def __init__(
        self,
        num_classes: int,
        name: str = "MatthewsCorrelationCoefficient",
        dtype=None,
        sparse_labels: bool = False,
        ignore_class: int | None = None,
    ):
        super().__init__(num_classes, sparse_labels, ignore_class, name=name, dtype=dtype)

    def update_state(self, y_true, y_pred, sample_weight=None):
        y_true, y_pred = ops.convert_to_tensor(y_true), ops.convert_to_tensor(y_pred)
        single = y_pred.shape[-1] == 1
        labels = y_true if single and not self.sparse_labels and y_true.shape[-1] == 1 else self.classes(y_true)
        predicted = y_pred[..., 0] > 0.5 if single else self.likeliest(y_pred)
        self.count(labels, predicted, sample_weight)

    def result(self):
        shares = self.shares()
        true, predicted = ops.sum(shares, axis=1), ops.sum(shares, axis=0)
        total = ops.sum(true)
        # In this form all three are exactly 0 where there is one class only.
        covariance = ops.trace(shares) * total - ops.sum(true * predicted)
        variances = ops.sum(true * (total - true)) * ops.sum(predicted * (total - predicted))
        correlation = covariance / ops.sqrt(variances)
        return ops.cast(ops.where(ops.isfinite(correlation), correlation, 0.0), self.dtype)
