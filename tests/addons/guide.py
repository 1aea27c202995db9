"""The code of docs/addons.md, to be run in both environments. NumPy only."""

import re
from pathlib import Path

from .cases import random

PAGE = Path(__file__).parents[2] / "docs" / "addons.md"
_IMAGES = random(16, 32, 32, 1, seed=60)
EXAMPLE = (_IMAGES, (_IMAGES > 0.5).astype("float32"))


def code(mark: str) -> str:
    """The block after a mark; its training keeps the order of the images, and begins with the weights of `begin`."""
    text = re.findall(rf"<!-- {mark} -->\n```python\n(.*?)```", PAGE.read_text(encoding="utf-8"), re.S)[0]
    return text.replace("model.compile(", "begin(model)\nmodel.compile(").replace("epochs=4", "epochs=4, shuffle=False, verbose=0")


def begin(model) -> None:
    model.set_weights([0.1 * random(*w.shape, seed=70 + place) for place, w in enumerate(model.get_weights())])
