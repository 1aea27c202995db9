"""The plan of the house: who imports whom, and what the front door loads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kzoo

PACKAGE = Path(kzoo.__file__).parent
ROOMS = ["stack", "migration", "layers", "models", "analysis", "data", "tracking", "training", "search", "reports"]
"""From the ground up: a room imports from itself and from those before it."""

ONLY_IN = {"mlflow": "tracking", "keras_tuner": "search"}
SHARED_ROOMS = {"layers", "models", "analysis"}


def imports(file: Path):
    """Module names that a file imports, relative ones made absolute."""
    package = ("kzoo", *file.relative_to(PACKAGE).parts[:-1])
    for node in ast.walk(ast.parse(file.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package[: len(package) - node.level + 1]) if node.level else ""
            yield ".".join(part for part in (base, node.module) if part)


@pytest.mark.parametrize("room", ROOMS)
def test_rooms_import_only_from_below(room):
    above = ROOMS[ROOMS.index(room) + 1 :]
    for file in (PACKAGE / room).rglob("*.py"):
        reached = {name.split(".")[1] for name in imports(file) if name.startswith("kzoo.")}
        assert not reached & {*above, "cli", "demo"}, file


@pytest.mark.parametrize("library", ONLY_IN)
def test_a_tool_is_known_by_one_room_only(library):
    for file in PACKAGE.rglob("*.py"):
        if any(name.split(".")[0] == library for name in imports(file)):
            assert file.relative_to(PACKAGE).parts[0] == ONLY_IN[library], file


@pytest.mark.parametrize("room", sorted(SHARED_ROOMS))
def test_rooms_for_every_backend_do_not_import_tensorflow(room):
    for file in (PACKAGE / room).rglob("*.py"):
        assert not any(name.split(".")[0] in ("tensorflow", "jax", "torch") for name in imports(file)), file


def loaded_after(*statements: str) -> list[set[str]]:
    """The modules that are there after each statement of one process."""
    code = "import sys\n" + "\n".join(f"{statement}\nprint(*sys.modules)" for statement in statements)
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    return [set(line.split()) for line in said.splitlines()]


def test_no_tool_is_loaded_before_it_is_needed():
    """Keras itself loads matplotlib and scikit-learn where they are installed; kzoo adds nothing to that."""
    heavy = {"keras", "tensorflow", "mlflow", "keras_tuner", "skimage", "sklearn", "matplotlib", "pydantic"}
    tools = {"mlflow", "keras_tuner", "skimage", "sklearn", "matplotlib"}
    door, keras, building, training = loaded_after("import kzoo", "import keras", "from kzoo import build_unet", "import kzoo.training")
    assert not heavy & door
    assert building & tools <= keras
    assert training & tools <= keras


def test_the_front_door_names_what_exists():
    for name in kzoo.__all__:
        assert getattr(kzoo, name) is not None
    with pytest.raises(AttributeError):
        kzoo.build_unett  # noqa: B018
