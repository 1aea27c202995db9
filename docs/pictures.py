"""Draws the pictures of the README from the built-in data and the runs of `kzoo demo`.

kzoo demo && python docs/pictures.py
"""

import os
import tempfile
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import keras
import numpy as np
from matplotlib.figure import Figure

from kzoo import Store
from kzoo.data import make_scenes
from kzoo.demo import EXPERIMENT

FOLDER = Path(__file__).parent
COUNT = 8


def main() -> None:
    scenes = make_scenes(count=COUNT, subset="validation", seed=0)
    store = Store()
    rows = {"scene": scenes.images[..., 0], "truth": np.where(scenes.classes > 0, 1.0, 0.0)}
    for record in sorted(store.runs(EXPERIMENT), key=lambda r: r.start):
        if record.parameters.get("model.builder") == "unet" and record.status == "FINISHED":
            score = record.metrics["best/mean_iou"]
            label = f"{record.parameters['model.downsampling']}\n{record.parameters['model.upsampling']}\nmean IoU {score:.3f}"
            rows[label] = predicted(store, record.id, scenes.images)
    draw(rows).savefig(FOLDER / "demo.png", dpi=110)


def predicted(store: Store, run_id: str, images: np.ndarray) -> np.ndarray:
    """The foreground's probability as the run's own saved model gives it."""
    with tempfile.TemporaryDirectory() as folder:
        model = keras.saving.load_model(store.download(run_id, "model.keras", Path(folder)))
    return model.predict(images / 255, verbose=0)[..., 1]


def draw(rows: dict[str, np.ndarray]) -> Figure:
    figure = Figure(figsize=(1.05 * COUNT + 1.6, 1.08 * len(rows)), layout="constrained")
    axes = figure.subplots(len(rows), COUNT)
    for line, (label, pictures) in zip(axes, rows.items(), strict=True):
        for axis, picture in zip(line, pictures, strict=True):
            axis.imshow(picture, cmap="gray", vmin=0, vmax=picture.max())
            axis.set(xticks=[], yticks=[])
        line[0].set_ylabel(label, rotation=0, ha="right", va="center", fontsize=8)
    return figure


if __name__ == "__main__":
    main()
