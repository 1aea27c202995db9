"""The demo: four U-Nets and a small CNN on handwritten digits, trained, tracked and compared."""

import itertools
from collections.abc import Iterator

from .tracking import Record, Store
from .training import Recipe, load_recipe, train

EXPERIMENT = "demo"


def demo_recipes() -> Iterator[Recipe]:
    """The grid of down-sampling and up-sampling, and a classifier."""
    for down, up in itertools.product(("max_pool", "strided_conv"), ("transposed_conv", "nearest")):
        choice = {"model.downsampling": down, "model.upsampling": up}
        yield load_recipe("digit_scenes", {"experiment": EXPERIMENT, "run": f"unet, {down}, {up}", **choice})
    shorter = {"training.epochs": 15}
    yield load_recipe("digits", {"experiment": EXPERIMENT, "run": "cnn on single digits", **shorter})


def run_demo(store: Store) -> list[Record]:
    """Trains what is not yet trained and returns the runs of the demo."""
    records = []
    for recipe in demo_recipes():
        print(f"\n{recipe.run}", flush=True)
        finished = _finished(store, recipe)
        if finished:
            print(f"run {finished.id}: already trained")
        records.append(finished or store.get(train(recipe, store=store).run_id))
    return records


def _finished(store: Store, recipe: Recipe) -> Record | None:
    """The newest finished run of the same recipe."""
    same = {"kzoo.recipe": recipe.digest()}
    return next(iter(store.find(EXPERIMENT, same, status="FINISHED")), None)
