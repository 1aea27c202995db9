"""One run: what is logged to it, and how it ends. Nothing here waits for the store."""

import math
import posixpath
import re
import shutil
import traceback
import uuid
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..errors import one_line
from .delivery import Delivery
from .journal import FILES, Journal
from .notice import warn
from .owner import owner
from .reason import short_reason
from .views import View

BATCH = 100
"""Parameters and tags per request, MLflow's limit."""

LONGEST_KEY, LONGEST_VALUE, LONGEST_TAG = 250, 6000, 8000
"""Characters of a name, of a parameter's value and of a tag's, MLflow's limits."""

THUMBNAIL = 256
"""Pixels of the longer side of the small copy that MLflow's pages show of a picture."""

ERROR, REASON = "kzoo.error", "kzoo.reason"
"""Tags that say why a run has failed; empty once it goes on."""

END_WAIT = 60.0
"""Seconds that the end of a run waits for a store that answers."""


class Run:
    """An open run, as a context manager: it ends FINISHED, FAILED with the reason after an exception, KILLED after an interruption.

    Every method writes to the run's journal and returns; another thread sends it. After an `InputError` the run says FAILED as well; inputs
    are best checked before a run is opened.
    """

    def __init__(self, journal: Journal, delivery: Delivery, folder: Path):
        self._journal = journal
        self._delivery = delivery
        self.folder = folder
        """Where the training keeps the state from which the run can be resumed."""

    @property
    def key(self) -> str:
        """The run's identity, known from the beginning."""
        return self._journal.key

    @property
    def id(self) -> str:
        """MLflow's id of the run; until the store has told it, the key."""
        return self._journal.run_id or self.key

    def __enter__(self) -> "Run":
        before = {**self._journal.identity.tags, **self._journal.tags}
        self.set_tags({**owner(), **{key: "" for key in (ERROR, REASON) if before.get(key)}})
        self._append("status", status="RUNNING")
        return self

    def __exit__(self, kind, error, trace) -> None:
        status = "FINISHED"
        if error is not None:
            status = "FAILED" if isinstance(error, Exception) else "KILLED"
            said = one_line(error) if status == "FAILED" else f"interrupted ({kind.__name__})"
            self.set_tags({ERROR: said, REASON: short_reason(error)})
        if status == "FAILED":
            self.log_text("".join(traceback.format_exception(error)), "error.txt")
        self._append("status", status=status)
        self._delivery.flush(END_WAIT)

    def log_parameters(self, values: Mapping[str, Any]) -> None:
        """Flat hyperparameters, stored as text."""
        self._append_values("parameters", {clean(key): str(value)[:LONGEST_VALUE] for key, value in values.items()})

    def log_metrics(self, values: Mapping[str, float], step: int = 0) -> None:
        """Numbers of one step; what a run has logged at a step stays, and is not logged again when the run is resumed.

        What is not finite would ruin the charts: it is left out, and the step named in a tag.
        """
        finite = {clean(key): float(value) for key, value in values.items() if math.isfinite(value)}
        new = {key: value for key, value in finite.items() if int(step) not in self._journal.steps.get(key, ())}
        if new:
            self._append("metrics", values=new, step=int(step))
        if len(finite) < len(values):
            lost = sorted(key for key, value in values.items() if not math.isfinite(value))
            self.set_tags({"kzoo.nonfinite": f"{', '.join(lost)} at step {step}"})

    def logged_steps(self, metric: str) -> set[int]:
        """The steps at which a metric has been logged, as far as this machine knows; a finished run's are not kept here."""
        return set(self._journal.steps.get(metric, ()))

    def set_tags(self, tags: Mapping[str, str]) -> None:
        """Text that may change."""
        self._append_values("tags", {clean(key): str(value)[:LONGEST_TAG] for key, value in tags.items()})

    def save_view(self, view: View) -> None:
        """Offers a table and charts among the saved views of the run's experiment; one of the same key is replaced."""
        name, value = view.tag(self._journal.identity.at)
        self._append("view", name=name, value=value)

    def log_dataset(self, name: str, digest: str, source: str, context: str) -> None:
        """Enters a data set by its name and our own fingerprint (MLflow's own digests read the data or ignore most of it)."""
        self._append("dataset", name=name, digest=digest, source=source, context=context)

    def log_text(self, text: str, name: str) -> None:
        """An artifact from text."""
        self._log_artifact(name, lambda path: path.write_text(text, encoding="utf-8"))

    def log_file(self, path: Path, name: str | None = None) -> None:
        """An artifact from a file, under the file's name or under another one, which may hold folders: `pictures/a.png`."""
        self._log_artifact(name or path.name, lambda copy: shutil.copyfile(path, copy))

    def log_figure(self, figure, name: str) -> None:
        """An artifact from a matplotlib figure."""
        self._log_artifact(name, figure.savefig)

    def log_image(self, image, key: str, step: int = 0) -> None:
        """A picture that changes from step to step: MLflow's pages show it with a slider, beside those of other runs.

        Args:
            image: array (rows, columns) or (rows, columns, 1, 3 or 4) of 0..255 as uint8, or of floats from 0 to 1.
            key: the picture's name, the same at every step and in every run: `pred/sample0`.
            step: at which it was made.
        """
        picture = _picture(image)
        name = re.sub(r"[^\w\-. ~]", "_", key.replace("/", "~"))
        stamp = uuid.uuid5(uuid.NAMESPACE_OID, f"{self.key}/{key}/{step}")
        stem = f"images/{name}+step+{int(step)}+timestamp+{self._journal.identity.at + int(step)}+{stamp}"
        longer = max(picture.size)
        small = picture.resize(tuple(max(1, int(side * (THUMBNAIL / longer))) for side in picture.size))
        self._log_artifact(f"{stem}.png", picture.save)
        self._log_artifact(f"{stem}+compressed.webp", small.save)
        if "mlflow.loggedImages" not in self._journal.tags:
            self.set_tags({"mlflow.loggedImages": "True"})

    def _append_values(self, kind: str, values: Mapping[str, str]) -> None:
        every = list(values.items())
        for start in range(0, len(every), BATCH):
            self._append(kind, values=dict(every[start : start + BATCH]))

    def _log_artifact(self, name: str, write: Callable[[Path], Any]) -> None:
        """Writes an artifact into the journal and says so there."""
        name = _clean_path(name)
        try:
            path = self._journal.place(name)
            write(path)
        except OSError as error:
            warn(f"artifact {self.key}", f"tracking: {name} of run {self.key} cannot be kept ({one_line(error)}). It is left out.")
            return
        self._append("file", name=name, file=path.relative_to(self._journal.folder / FILES).as_posix())

    def _append(self, kind: str, **values: Any) -> None:
        self._journal.append(kind, **values)
        self._delivery.add(self._journal)


def clean(name: str) -> str:
    """A name as MLflow takes it, of a metric, a parameter or a tag.

    >>> clean("val/f1 (macro)?")
    'val/f1 _macro__'
    """
    allowed = re.sub(r"[^\w\-./ :]", "_", str(name))
    return posixpath.normpath(allowed).lstrip("./ ")[:LONGEST_KEY] or "_"


def _clean_path(name: str) -> str:
    """The name of an artifact as MLflow takes it: inside the run, and without characters that addresses give a meaning to."""
    parts = [re.sub(r"[^\w\-. +~=,()]", "_", part) for part in name.split("/") if part not in ("", ".", "..")]
    return "/".join(parts) or "_"


def _picture(image):
    """An array as a Pillow image."""
    import numpy as np
    from PIL import Image

    array = np.asarray(image)
    if array.dtype == bool or np.issubdtype(array.dtype, np.floating):
        array = np.clip(np.nan_to_num(array.astype("float64")), 0, 1) * 255
    array = np.clip(array, 0, 255).astype(np.uint8)
    return Image.fromarray(array[..., 0] if array.ndim == 3 and array.shape[-1] == 1 else array)
