"""What a person sees while a model trains."""

import keras

from ..data import Dataset
from .recipe import Recipe


class Progress:
    """Told of the start and of every epoch of a training; this one keeps silent."""

    def started(self, run_id: str, recipe: Recipe, dataset: Dataset, model: keras.Model) -> None:
        """The run is open, the first batch is about to be trained."""

    def epoch(self, row: dict[str, float]) -> None:
        """An epoch is over; `row` holds its number and its metrics."""


class Printed(Progress):
    """One line at the start and one per epoch."""

    def started(self, run_id: str, recipe: Recipe, dataset: Dataset, model: keras.Model) -> None:
        self._epochs = recipe.training.epochs
        sizes = ", ".join(f"{len(samples):,} {split}" for split, samples in dataset.splits().items())
        print(
            f"run {run_id}: {model.name}, {model.count_params():,} parameters, on {dataset.name} ({sizes})",
            flush=True,
        )

    def epoch(self, row: dict[str, float]) -> None:
        scores = {k: v for k, v in row.items() if k == "train/loss" or k.startswith("val/")}
        said = "  ".join(f"{k} {v:.4f}" for k, v in scores.items())
        speed = f"{row['speed/images_per_second']:,.0f} images/s"
        print(f"epoch {int(row['epoch']):>3}/{self._epochs}  {said}  {speed}", flush=True)


PRINTED: Progress = Printed()
