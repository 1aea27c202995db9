"""Loaded by every Python that has this folder on its path: makes the trials of a search small, notes what they train, and kills.

What to do stands in `KZOO_TEST`, as JSON: `folder` for the notes; `at`, pairs of a moment and what shall happen then; `slow`, seconds after
each epoch; `recycled`, trials after which a worker is replaced; `unbuildable`, whether no network can be built; `elsewhere`, whether the
chief's folder cannot be seen. The product knows nothing of it.
"""

import importlib.abc
import importlib.util
import json
import os
import signal
import sys
import time
from pathlib import Path


def planned(what: str, default=None):
    """What the test wants; read anew each time, since forks of one process have plans of their own."""
    return json.loads(os.environ.get("KZOO_TEST", "{}")).get(what, default)


def here() -> Path:
    return Path(planned("folder", "."))


def note(word: str, **values) -> None:
    """A line in the log that all processes share."""
    with (here() / "log.jsonl").open("a") as file:
        file.write(json.dumps({"word": word, "time": time.time(), "pid": os.getpid(), **values}) + "\n")


def pass_by(moment: str) -> None:
    """What the test has planned for this moment, the first time that any process passes it: to die, to hold still, or to fail."""
    for number, (when, what) in enumerate(planned("at", [])):
        if when != moment or not _first(here() / f"passed{number}"):
            continue
        note("passed", moment=moment)
        if what == "die":
            os.kill(os.getpid(), signal.SIGKILL)
        elif what == "hold":
            time.sleep(300)
        else:
            raise ValueError(what)


def _first(file: Path) -> bool:
    try:
        file.touch(exist_ok=False)
    except FileExistsError:
        return False
    return True


def patch(module) -> None:
    """`kzoo.search.trial`: small data, no compiling, a note for each epoch."""
    import tensorflow as tf

    tf.config.run_functions_eagerly(True)
    real_fit, real_build = module.fit, module.build_for

    def build_for(recipe, dataset, *rest):
        if planned("unbuildable"):
            raise ValueError("cannot be built today")
        return real_build(recipe, dataset, *rest)

    def fit(model, dataset, training, folder, on_epoch=None, stop=None):
        trial = folder.parent.name
        note("fit", trial=trial)

        def noted(row):
            epoch = int(row["epoch"])
            note("epoch", trial=trial, epoch=epoch, row=row)
            pass_by(f"{trial} saved {epoch}")
            on_epoch(row)
            pass_by(f"{trial} logged {epoch}")
            time.sleep(planned("slow", 0))

        return real_fit(model, dataset, training, folder, noted, stop)

    module.fit, module.build_for = fit, build_for


def patch_plan(module) -> None:
    """`kzoo.search.plan`: a few samples, and the moment at which nothing but the plan is there."""
    from dataclasses import replace

    real_load, real_write = module.load_data, module.Plan.write

    def few(samples, count):
        return type(samples)(samples.images[:count], samples.targets[:count], samples.names[:count])

    def load_data(recipe):
        dataset = real_load(recipe)
        return replace(dataset, train=few(dataset.train, 64), validation=few(dataset.validation, 32), test=None)

    def write(self):
        real_write(self)
        pass_by("planned")

    module.load_data, module.Plan.write = load_data, write


def patch_tuner(module) -> None:
    """`kzoo.search.tuner`: when somebody is at a trial, and the moments around its end."""
    real, real_run = module.Tuner.on_trial_end, module.Tuner.run_trial

    def run_trial(self, trial, *rest, **options):
        note("begins", trial=trial.trial_id)
        try:
            return real_run(self, trial, *rest, **options)
        finally:
            note("ends", trial=trial.trial_id)

    def on_trial_end(self, trial):
        pass_by(f"{trial.trial_id} trained")
        real(self, trial)
        pass_by(f"{trial.trial_id} ended")

    module.Tuner.on_trial_end, module.Tuner.run_trial = on_trial_end, run_trial


def patch_crew(module) -> None:
    """`kzoo.search.crew`: workers that are replaced after fewer trials."""
    real = module.Crew._command

    def _command(self):
        self.trials = planned("recycled", self.trials)
        return real(self)

    module.Crew._command = _command


def patch_worker(module) -> None:
    """`kzoo.search.worker`: a machine that does not see the chief's folder."""
    real = module.kept
    module.kept = lambda path: None if planned("elsewhere") else real(path)


PATCHES = {
    "kzoo.search.trial": patch,
    "kzoo.search.plan": patch_plan,
    "kzoo.search.tuner": patch_tuner,
    "kzoo.search.worker": patch_worker,
    "kzoo.search.crew": patch_crew,
}


class Finder(importlib.abc.MetaPathFinder):
    """Patches modules right after they have been imported."""

    def find_spec(self, name, path=None, target=None):  # noqa: ARG002
        if name not in PATCHES:
            return None
        sys.meta_path.remove(self)
        try:
            spec = importlib.util.find_spec(name)
        finally:
            sys.meta_path.insert(0, self)
        real = spec.loader.exec_module

        def exec_module(module):
            real(module)
            PATCHES[name](module)

        spec.loader.exec_module = exec_module  # type: ignore[method-assign]
        return spec


sys.meta_path.insert(0, Finder())
