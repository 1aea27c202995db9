"""The figures of a run: learning curves, and predictions beside truth."""

from typing import TYPE_CHECKING

import keras
import numpy as np

from ..data import IGNORE, Dataset
from ..stack import ops
from .fit import make_batches
from .metrics import predicted_classes
from .objective import main, returns_logits
from .recipe import Training
from .state import History

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE, RED, GREY = "#1f6fb4", "#d9731a", "#c0392b", "#777777"


def learning_curves(history: History, best_epoch: int) -> "Figure":
    """One panel per quantity, training and validation over the epochs, the best epoch marked."""
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    names = [key.removeprefix("val/") for key in history[0] if key.startswith("val/")]
    figure = Figure(figsize=(4.2 * len(names), 3.4), layout="constrained")
    epochs = [row["epoch"] for row in history]
    for axis, name in zip(np.ravel(figure.subplots(1, len(names))), names, strict=True):
        for split, label, colour in (("train", "training", BLUE), ("val", "validation", ORANGE)):
            values = [row[f"{split}/{name}"] for row in history]
            axis.plot(epochs, values, color=colour, marker="o", markersize=3, label=label)
        axis.axvline(best_epoch, color=GREY, linestyle=":", label=f"best epoch ({best_epoch})")
        axis.set(xlabel="epoch", title=name.replace("_", " ").replace("iou", "IoU"))
        axis.xaxis.set_major_locator(MaxNLocator(integer=True))
        axis.grid(alpha=0.25)
    figure.axes[0].legend(frameon=False)
    return figure


def predictions(model: keras.Model, dataset: Dataset, training: Training) -> "Figure":
    """The first validation images with what they show and what the model says."""
    inputs, targets = make_batches(model, dataset, dataset.validation, training)[0]
    draw = _draw_maps if dataset.task == "segmentation" else _draw_labels
    count = 6 if dataset.task == "segmentation" else 24
    scores = main(model).predict(inputs[:count], verbose=0)
    guesses = ops.convert_to_numpy(predicted_classes(scores, returns_logits(model)))
    return draw(inputs[:count], targets[:count], guesses, dataset.classes)


def _draw_maps(inputs, targets, guesses, classes) -> "Figure":
    """Columns of image, truth, prediction and the pixels that differ."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(1.9 * len(inputs) + 0.4, 7.8), layout="constrained")
    axes = figure.subplots(4, len(inputs), squeeze=False)
    shades = colours(len(classes))
    for column, (image, truth, guess) in enumerate(zip(inputs, targets, guesses, strict=True)):
        valid = truth != IGNORE
        axes[0, column].imshow(displayed(image, truth.shape), cmap="gray")
        axes[1, column].imshow(np.where(valid[..., None], shades[np.where(valid, truth, 0)], 0.5))
        axes[2, column].imshow(shades[guess])
        axes[3, column].imshow(np.where((truth != guess) & valid, 1.0, 0.0), cmap="gray", vmin=0, vmax=1)
    for axis, label in zip(axes[:, 0], ("image", "truth", "prediction", "differing pixels"), strict=True):
        axis.set_ylabel(label)
    for axis in axes.ravel():
        axis.set(xticks=[], yticks=[])
    _legend(figure, shades, classes)
    return figure


def _legend(figure, shades, classes) -> None:
    from matplotlib.patches import Patch

    patches = [Patch(facecolor=c, edgecolor=GREY, label=name) for c, name in zip(shades, classes, strict=True)]
    figure.legend(handles=patches, loc="outside lower center", ncols=min(len(classes), 6), frameon=False)


def _draw_labels(inputs, targets, guesses, classes) -> "Figure":
    """A sheet of images with the predicted class, in red beside the true one where they differ."""
    from matplotlib.figure import Figure

    columns = 8
    rows = -(-len(inputs) // columns)
    figure = Figure(figsize=(1.4 * columns, 1.7 * rows), layout="constrained")
    axes = figure.subplots(rows, columns, squeeze=False).ravel()
    for axis in axes:
        axis.axis("off")
    for axis, image, truth, guess in zip(axes, inputs, targets, guesses, strict=False):
        axis.imshow(displayed(image, image.shape[:2]), cmap="gray")
        right = truth == guess
        title = classes[guess] if right else f"{classes[guess]}, is {classes[truth]}"
        axis.set_title(title, fontsize=8, color="black" if right else RED)
    return figure


def displayed(image: np.ndarray, size) -> np.ndarray:
    """The centre of an input at the size of the output, as grey or RGB values from 0 to 1."""
    top, left = ((n - m) // 2 for n, m in zip(image.shape, size, strict=False))
    image = image[top : top + size[0], left : left + size[1]]
    image = (image - image.min()) / max(float(np.ptp(image)), 1e-6)
    return image[..., :3] if image.shape[-1] >= 3 else image[..., 0]


def colours(count: int) -> np.ndarray:
    """One RGB colour per class, the background black."""
    from matplotlib import colormaps

    palette = colormaps["tab10" if count <= 11 else "gist_rainbow"](np.linspace(0, 1, max(count - 1, 1)))
    return np.vstack([[0, 0, 0], palette[:, :3]])
