"""What the guide calls equal, as addons is called for it: an expression by name, and the numbers that go in. NumPy only."""

import numpy as np

from .cases import random

X = random(2, 6, 4, 8, seed=20)
IMAGE = np.random.default_rng(21).integers(0, 256, (12, 10, 3)).astype("float32")
IMAGES = np.random.default_rng(22).integers(0, 256, (2, 12, 10, 3)).astype("float32")
MASK = (np.random.default_rng(23).random((14, 11)) < 0.6).astype("uint8")
LABELS = (np.random.default_rng(24).random((10, 4)) < 0.5).astype("float32")
SCORES = np.random.default_rng(25).uniform(0.02, 0.98, (10, 4)).astype("float32")
ONE_HOT = np.eye(4, dtype="float32")[np.random.default_rng(26).integers(0, 4, 10)]
RATES = {"learning_rate": 1e-2}
DECAYS = {**RATES, "weight_decay": 1e-3}
PAIRS = {"y_true": LABELS, "y_pred": SCORES}
CLASSES = {"y_true": ONE_HOT, "y_pred": SCORES}
DISTANCES = {"y_true": LABELS[:, 0], "y_pred": 2 * SCORES[:, 0], "margin": 1.0}

ACTIVATIONS = {
    f"activations.{name}": (f"tfa.activations.{name}(x)", {"x": X})
    for name in ("gelu", "hardshrink", "lisht", "mish", "softshrink", "sparsemax", "tanhshrink")
}
POOLINGS = {
    f"layers.Adaptive{kind}Pooling{rank}D": (
        f"tfa.layers.Adaptive{kind}Pooling{rank}D(output_size)",
        {"x": random(2, *[6, 4, 8][:rank], 3, seed=27), "output_size": [3, 2, 4][:rank] if rank > 1 else 3},
    )
    for kind in ("Average", "Max")
    for rank in (1, 2, 3)
}
LAYERS = {
    "layers.GELU": ("tfa.layers.GELU()(x)", {"x": X}),
    "layers.GroupNormalization": ("tfa.layers.GroupNormalization(groups)", {"x": X, "groups": 4}),
    "layers.InstanceNormalization": ("tfa.layers.InstanceNormalization()", {"x": X}),
    "layers.Maxout": ("tfa.layers.Maxout(num_units)(x)", {"x": X, "num_units": 4}),
    "layers.Sparsemax": ("tfa.layers.Sparsemax()(x)", {"x": X}),
    "layers.SpectralNormalization": ("tfa.layers.SpectralNormalization(tf.keras.layers.Dense(4))", {"x": X}),
}
LOSSES = {
    "losses.ContrastiveLoss": ("tfa.losses.ContrastiveLoss()", DISTANCES),
    "losses.contrastive_loss": ("tfa.losses.contrastive_loss(y_true, y_pred)", DISTANCES),
    "losses.PinballLoss": ("tfa.losses.PinballLoss(tau)", {**PAIRS, "tau": 0.3}),
    "losses.pinball_loss": ("tfa.losses.pinball_loss(y_true, y_pred, tau)", {**PAIRS, "tau": 0.3}),
    "losses.SigmoidFocalCrossEntropy": ("tfa.losses.SigmoidFocalCrossEntropy()", {"y_true": LABELS[:, :1], "y_pred": SCORES[:, :1]}),
    "losses.sigmoid_focal_crossentropy": ("tfa.losses.sigmoid_focal_crossentropy(y_true, y_pred)", PAIRS),
}
SCORED = {"average": "weighted", "threshold": 0.5, "beta": 2.0}
METRICS = {
    "metrics.F1Score": ("tfa.metrics.F1Score(4, average=average, threshold=threshold)", {**PAIRS, **SCORED}),
    "metrics.FBetaScore": ("tfa.metrics.FBetaScore(4, average, beta, threshold)", {**PAIRS, **SCORED}),
    "metrics.MeanMetricWrapper": ("tfa.metrics.MeanMetricWrapper(tf.keras.losses.mean_squared_error)", PAIRS),
    "metrics.MultiLabelConfusionMatrix": ("tfa.metrics.MultiLabelConfusionMatrix(4)", {"y_true": LABELS, "y_pred": SCORES.round()}),
    "metrics.RSquare": ("tfa.metrics.RSquare()", {"y_true": random(10, 3, seed=28), "y_pred": random(10, 3, seed=29)}),
    "metrics.hamming_distance": (
        "tfa.metrics.hamming_distance(actuals, predictions)",
        {"actuals": LABELS[:, 0], "predictions": LABELS[:, 1]},
    ),
}
OPTIMIZERS = {
    "optimizers.AdamW": ("tfa.optimizers.AdamW(weight_decay, learning_rate)", DECAYS),
    "optimizers.LAMB": ("tfa.optimizers.LAMB(learning_rate)", RATES),
    "optimizers.LazyAdam": ("tfa.optimizers.LazyAdam(learning_rate)", RATES),
    "optimizers.SGDW": ("tfa.optimizers.SGDW(weight_decay, learning_rate, momentum)", {**DECAYS, "momentum": 0.9}),
}
TURN = {"angles": np.float32(0.7), "image_height": np.float32(12), "image_width": np.float32(10)}
MOVES = {"dx": 2.0, "dy": -3.0}
MATRICES = [[1.1, 0.2, 3.0, -0.1, 0.9, 1.0, 0.0, 0.0], [0.8, 0.1, -2.0, 0.3, 1.0, 0.5, 0.001, 0.002]]
POINTS = {
    "train_points": np.random.default_rng(30).random((1, 8, 2)).astype("float32"),
    "train_values": random(1, 8, 2, seed=31),
    "query_points": np.random.default_rng(32).random((1, 5, 2)).astype("float32"),
}
PLACES = (np.random.default_rng(33).random((1, 20, 2)) * [11, 9]).astype("float32")
IMAGE_FUNCTIONS = {
    "image.angles_to_projective_transforms": ("tfa.image.angles_to_projective_transforms(angles, image_height, image_width)[0]", TURN),
    "image.blend": ("tfa.image.blend(image1, image2, factor)", {"image1": IMAGE, "image2": IMAGE[::-1], "factor": 1.4}),
    "image.compose_transforms": ("tfa.image.compose_transforms(transforms)[0]", {"transforms": MATRICES}),
    "image.connected_components": ("tfa.image.connected_components(image)", {"image": MASK}),
    "image.dense_image_warp": (
        "tfa.image.dense_image_warp(image[None], flow[None])[0]",
        {"image": IMAGE, "flow": 3 * random(12, 10, 2, seed=34)},
    ),
    "image.euclidean_dist_transform": ("tfa.image.euclidean_dist_transform(image[..., None])[..., 0]", {"image": MASK}),
    "image.gaussian_filter2d": ("tfa.image.gaussian_filter2d(image, sigma=sigma)", {"image": IMAGES, "sigma": 1.5}),
    "image.interpolate_bilinear": (
        "tfa.image.interpolate_bilinear(grid, query_points)[0, :, 0]",
        {"grid": IMAGE[None, ..., :1], "query_points": PLACES * 1.3 - 1},
    ),
    "image.interpolate_spline": ("tfa.image.interpolate_spline(train_points, train_values, query_points, 2)[0]", POINTS),
    "image.mean_filter2d": ("tfa.image.mean_filter2d(image)", {"image": IMAGE}),
    "image.median_filter2d": ("tfa.image.median_filter2d(image)", {"image": IMAGE}),
    "image.resampler": ("tfa.image.resampler(data, warp)[0, :, 0]", {"data": IMAGE[None, ..., :1], "warp": PLACES[..., ::-1]}),
    "image.rotate": ("tfa.image.rotate(images, angle)", {"images": IMAGES, "angle": np.float32(0.7)}),
    "image.shear_x": ("tfa.image.shear_x(image, level, replace)", {"image": IMAGE, "level": 0.3, "replace": 7}),
    "image.shear_y": ("tfa.image.shear_y(image, level, replace)", {"image": IMAGE, "level": -0.3, "replace": 7}),
    "image.transform": ("tfa.image.transform(images, transforms)", {"images": IMAGES, "transforms": np.float32(MATRICES[0])}),
    "image.translate": ("tfa.image.translate(images, [dx, dy])", {"images": IMAGES, **MOVES}),
    "image.translate_xy": ("tfa.image.translate_xy(image, [dx, dy], replace)", {"image": IMAGE, **MOVES, "replace": 7}),
    "image.translations_to_projective_transforms": ("tfa.image.translations_to_projective_transforms([dx, dy])[0]", MOVES),
}
ORIGINALS: dict[str, tuple[str, dict]] = {
    **ACTIVATIONS,
    "activations.snake": ("tfa.activations.snake(x, frequency)", {"x": X, "frequency": 1.5}),
    **POOLINGS,
    **LAYERS,
    **LOSSES,
    **METRICS,
    **OPTIMIZERS,
    **IMAGE_FUNCTIONS,
}


def weights(shapes: list[tuple[int, ...]]) -> list[np.ndarray]:
    """Weights of a layer, by shape and by place among those of one shape, so that the order of others does not matter."""
    return [random(*shape, seed=40 + shapes[:place].count(shape)) for place, shape in enumerate(shapes)]
