"""Deep supervision: heads at several depths, trained by plain `compile` and `fit` (Lee et al. 2015; nnU-Net, Isensee et al. 2021).

In a U-Net they are maps at several resolutions; the auxiliary classifiers of GoogLeNet (Szegedy et al. 2015, section 5) are vectors.
"""

from collections.abc import Sequence
from dataclasses import replace

import keras

from ..errors import ArgumentError
from ..stack import ops
from .identity import describe, is_described, remember


@keras.saving.register_keras_serializable("kzoo")
class DeeplySupervised(keras.Model):
    """A functional model whose outputs all predict one target, the main one first: maps at several resolutions, or vectors.

    `compile` takes one loss and the metrics of the main output; `fit` and `evaluate` take the target, and sample weights of its shape, at
    full resolution. For every other map the target is subsampled to its resolution: position p stands for pixel p * scale + scale // 2.
    Metrics see the main output only.

    Attributes:
        scales: per output, pixels of the full resolution per position, along each axis; empty for vectors.
        output_weights: of the outputs in the loss, unless `loss_weights` are given; empty for 1, 1/2, 1/4, ...

    >>> from kzoo import build_unet
    >>> model = build_unet(input_shape=(32, 32, 1), num_classes=1, filters=4, depth=3, deep_supervision=2)
    >>> model.output_shape, model.scales
    ([(None, 32, 32, 1), (None, 16, 16, 1), (None, 8, 8, 1)], [(1, 1), (2, 2), (4, 4)])
    """

    scales: Sequence[Sequence[int]] = ()
    output_weights: Sequence[float] = ()

    def compile(self, optimizer="rmsprop", loss=None, loss_weights=None, metrics=None, **options):
        """Like `keras.Model.compile` for one loss, which holds for every output, and a list of metrics of the main output.

        Args:
            loss: one loss, or a list of one per output.
            loss_weights: one number per output; `output_weights` unless given.
            metrics: a flat list.

        Raises:
            ArgumentError: another number of losses or weights than outputs, or metrics of other outputs.
        """
        count = len(self.outputs)
        losses = loss if isinstance(loss, list | tuple | dict) or loss is None else [loss] * count
        usual = list(self.output_weights) or [0.5**number for number in range(count)]
        weights = usual if loss_weights is None else list(loss_weights)
        for argument, given in (("loss", losses), ("loss_weights", weights)):
            if given is not None and (isinstance(given, dict) or len(given) != count):
                raise ArgumentError(argument, f"expected one, or a list of {count}, one per output. Received: {given!r}.")
        if isinstance(metrics, dict) or any(isinstance(metric, list | tuple | dict) for metric in metrics or ()):
            raise ArgumentError("metrics", f"expected a flat list, of the main output's metrics. Received: {metrics!r}.")
        super().compile(optimizer, losses and list(losses), loss_weights=weights, metrics=metrics, **options)

    def compile_from_config(self, config):
        """Compiles a model that was read from a file; Keras leaves that to classes with a `compile` of their own."""
        self.compile(**keras.saving.deserialize_keras_object(config))
        self.optimizer.build(self.trainable_variables)

    def compute_loss(self, x=None, y=None, y_pred=None, sample_weight=None):
        if len(self.scales) != len(y_pred):
            raise ArgumentError(
                "model", "expected the scales of its outputs, which a clone does not have. Set clone.scales = model.scales."
            )
        targets = [resize_target(y, scale, ops.shape(output)) for scale, output in zip(self.scales, y_pred, strict=True)]
        weights = sample_weight
        if sample_weight is not None:
            weights = [resize_target(sample_weight, scale, ops.shape(output)) for scale, output in zip(self.scales, y_pred, strict=True)]
        return super().compute_loss(x, targets, y_pred, weights)

    def compute_metrics(self, x, y, y_pred, sample_weight=None):
        return super().compute_metrics(x, y, y_pred[0], sample_weight)

    def get_metrics_result(self):
        """Metrics by their own names; older Kerases put the output's name before them."""
        output = f"{self.output_names[0]}_"
        found = super().get_metrics_result()
        return {name if name == f"{output}loss" else name.removeprefix(output): value for name, value in found.items()}

    def get_config(self) -> dict:
        return {**super().get_config(), "scales": [list(scale) for scale in self.scales], "output_weights": list(self.output_weights)}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        scales, weights = [tuple(scale) for scale in config.pop("scales")], config.pop("output_weights", ())
        model = super().from_config(config, custom_objects)
        model.scales, model.output_weights = scales, weights
        return model


def resize_target(target, scale: Sequence[int], shape: Sequence):
    """Subsamples `(batch, *spatial, ...)` to the sizes of an output's shape.

    Raises:
        ArgumentError: several targets, or fewer axes, such as one weight per sample, which Keras does not take for maps either.

    >>> import numpy as np
    >>> resize_target(np.arange(9).reshape(1, 9), (4,), (1, 3, 1)).numpy().tolist()
    [[2, 6, 8]]
    """
    if isinstance(target, list | tuple | dict):
        raise ArgumentError(
            "target", f"expected one, at full resolution, which is subsampled for the other outputs. Received: {len(target)}."
        )
    if len(target.shape) <= len(scale):
        raise ArgumentError("target", f"expected (batch, *spatial) with {len(scale)} spatial axes. Received: {tuple(target.shape)}.")
    for axis, step in enumerate(scale, start=1):
        if step > 1:
            places = ops.arange(shape[axis]) * step + step // 2
            target = ops.take(target, ops.minimum(places, ops.shape(target)[axis] - 1), axis=axis)
    return target


def main_output(model: keras.Model) -> keras.Model:
    """The same network without its extra heads: the layers and weights are shared, the output is equal.

    Args:
        model: a `DeeplySupervised`.

    Raises:
        ArgumentError: the model has no extra heads.

    >>> from kzoo import build_unet
    >>> main_output(build_unet(input_shape=(32, 32, 1), num_classes=1, filters=4, depth=3, deep_supervision=2)).output_shape
    (None, 32, 32, 1)
    """
    if not isinstance(model, DeeplySupervised):
        raise ArgumentError(
            "model", f"expected a network built with deep_supervision or auxiliary_heads. Received: {type(model).__name__}."
        )
    main = keras.Model(model.input, model.outputs[0], name=model.name)
    if is_described(model):
        known = describe(model)
        without = {"deep_supervision": 0, "auxiliary_heads": False}
        arguments = {name: without.get(name, value) for name, value in known.arguments.items()}
        remember(main, replace(known, arguments=arguments, parameters=main.count_params()))
    return main
