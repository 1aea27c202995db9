"""A recipe: model, data and training of one run, in a YAML file.

```yaml
experiment: nuclei
model:
  builder: unet
  filters: 16
data:
  source: image_folder
  path: data/dsb2018
training:
  epochs: 30
```

The keys under `model` are the arguments of the builder; `preset: resnet18` in place of `builder` takes a preset's, which those beside it
override. The keys under `data` are the arguments of the data source, and those under `training`
the fields of `Training`: their signatures are the schema, and there is no other.
"""

import hashlib
from collections.abc import Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .. import __version__, schema
from ..data import SOURCES
from ..errors import ArgumentError, InputError, did_you_mean, one_line
from ..models import BUILDERS, find_preset
from ..registry import Registry
from .conflicts import conflicts
from .paths import flatten, get_value, normal_path, remove_value, set_value
from .settings import LEARNING_RATE, EarlyStopping, Training

__all__ = [
    "EarlyStopping",
    "Recipe",
    "RecipeError",
    "Training",
    "flatten",
    "get_value",
    "load_recipe",
    "normal_path",
    "remove_value",
    "set_value",
]


class RecipeError(InputError):
    """A recipe with mistakes: `problems` holds one line for each, beginning with its path in the file."""

    def __init__(self, name: str, problems: Sequence[str]):
        super().__init__("\n".join(f"{name}: {problem}" for problem in problems))
        self.problems = list(problems)


@dataclass(frozen=True)
class Recipe:
    """A checked recipe. `model` and `data` hold the arguments that were given; `resolved` adds the defaults.

    `rate_given` is whether the learning rate was given, even if it is the usual one.
    """

    name: str
    text: str
    experiment: str
    run: str | None
    builder: str
    model: Mapping[str, Any]
    source: str
    data: Mapping[str, Any]
    training: Training = field(default_factory=Training)
    rate_given: bool = field(default=False, compare=False)

    def resolved(self) -> dict[str, Any]:
        """The recipe with every default written out, as plain values for YAML."""
        model = {"builder": self.builder, **schema.defaults(BUILDERS[self.builder]), **self.model}
        data = {"source": self.source, **schema.defaults(SOURCES[self.source]), **self.data}
        sections = {"model": model, "data": data, "training": asdict(self.training)}
        return {"experiment": self.experiment, "run": self.run, **plain_values(sections)}

    def digest(self) -> str:
        """32 hexadecimal digits that two recipes share if they describe the same model, data and training, in this version of kzoo."""
        settings = {k: v for k, v in flatten(self.resolved()).items() if k not in ("experiment", "run")}
        return hashlib.blake2b(repr((__version__, sorted(settings.items()))).encode(), digest_size=16).hexdigest()


def load_recipe(recipe: "str | Path | Mapping | Recipe", overrides: Mapping[str, Any] | None = None) -> Recipe:
    """Reads a recipe and checks all of it.

    Args:
        recipe: path of a YAML file, the name of a recipe that ships with kzoo, the content as a mapping, or a checked recipe.
        overrides: values by their path in the recipe, such as `{"model.filters": 32}`.

    Returns:
        A checked `Recipe`.

    Raises:
        RecipeError: names every mistake by its path in the recipe.

    >>> recipe = load_recipe("digits", {"training.epochs": 3})
    >>> recipe.builder, recipe.training.epochs
    ('cnn', 3)
    """
    if isinstance(recipe, Recipe):
        return load_recipe(_open(recipe), overrides) if overrides else recipe
    name, text, content = read_content(recipe)
    problems: list[str] = []
    for path, value in (overrides or {}).items():
        problems += set_value(content, path, value)
    preset_problems = _open_preset(content)
    problems += _check_keys(content) + preset_problems
    experiment, found = _check_text(content, "experiment")
    run, more = _check_text(content, "run")
    builder, model, model_problems = _check_choice(content, "model", "builder", BUILDERS, ("input_shape", "num_classes"))
    model_problems = [] if preset_problems else model_problems
    source, data, data_problems = _check_choice(content, "data", "source", SOURCES)
    given = content.get("training")
    training, training_problems = schema.check_values({} if given is None else given, Training, "training")
    problems += found + more
    training_problems = training_problems + [str(conflict.within("training")) for conflict in conflicts(training)]
    others = data_problems + training_problems
    if builder and model_problems + problems + others:
        model_problems = model_problems + builder_problems(builder, model)
    problems += model_problems + others
    if problems:
        raise RecipeError(name, problems)
    rate_given = training.get("learning_rate") is not None
    return Recipe(name, text, experiment or Path(name).stem, run, builder, model, source, data, Training(**training), rate_given)


def _open(recipe: Recipe) -> dict[str, Any]:
    """A recipe's content; the usual learning rate is left out where it was not given, since another optimizer may have its own."""
    content = recipe.resolved()
    if recipe.training.learning_rate == LEARNING_RATE and not recipe.rate_given:
        del content["training"]["learning_rate"]
    return content


class _Loader(yaml.SafeLoader):
    """Refuses a key that stands twice in one section, of which YAML would silently take the last."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep) for key, _ in node.value]
        twice = [key for key in keys if keys.count(key) > 1]
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"the key {twice[0]} stands twice in one section", node.start_mark)
        return super().construct_mapping(node, deep)


def builder_problems(builder: str, arguments: Mapping[str, Any]) -> list[str]:
    """What a builder refuses although the types are right, such as lists of the wrong length, asked without any data."""
    unknown = {"input_shape": (None, None, 1), "num_classes": 2}
    remaining = {key: value for key, value in arguments.items() if key != "weights"}
    problems: list[str] = []
    while True:
        try:
            BUILDERS[builder](**{**unknown, **remaining})
        except ArgumentError as error:
            if error.argument in unknown:
                return problems
            problems.append(str(error.within("model")))
            argument = error.argument.partition(".")[0]
            if argument not in remaining:
                return problems
            del remaining[argument]
        else:
            return problems


def shipped_recipes() -> dict[str, Path]:
    """The recipes that ship with kzoo, by name: `kzoo/recipes/` where it is installed, `recipes/` in a checkout."""
    package = Path(__file__).parents[1]
    folder = next(f for f in (package / "recipes", package.parent / "recipes") if f.is_dir())
    return {path.stem: path for path in sorted(folder.glob("*.yaml"))}


def read_content(recipe: str | Path | Mapping) -> tuple[str, str, dict]:
    """The name, the text and the content of a recipe."""
    if isinstance(recipe, Mapping):
        content = deepcopy(dict(recipe))
        return "recipe", yaml.safe_dump(plain_values(content), sort_keys=False), content
    text = _find_text(recipe)
    content = parse_yaml(str(recipe), text)
    if not isinstance(content, dict):
        raise InputError(f"{recipe}: expected a recipe with model, data and training. Received: {type(content).__name__}.")
    return str(recipe), text, content


def parse_yaml(name: str, text: str) -> Any:
    """What YAML makes of the text of a file; a key that stands twice in one section is an error, too."""
    try:
        return yaml.load(text, _Loader)
    except yaml.YAMLError as error:
        raise InputError(f"{name}: is no valid YAML: {' '.join(str(error).split())}") from error


def _find_text(recipe: str | Path) -> str:
    shipped = shipped_recipes()
    path = shipped.get(str(recipe), Path(recipe))
    if not path.is_file():
        raise InputError(
            f"{recipe}: no such file. Expected a recipe file or one of {', '.join(shipped)}, which ship with kzoo."
            f"{did_you_mean(Path(recipe).stem, shipped)}"
        )
    try:
        return path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{recipe}: cannot be read ({one_line(error)}).") from error


def _open_preset(content: dict) -> list[str]:
    """Writes `preset: NAME` under model as its builder and arguments, which those beside it override; the data decide on the sizes."""
    model = content.get("model")
    if not isinstance(model, dict) or "preset" not in model:
        return []
    if "builder" in model:
        return [f"model.preset: expected it without builder, which the preset has. Received: builder {model['builder']}."]
    try:
        preset = find_preset(model["preset"])
    except ArgumentError as error:
        return [str(error.within("model"))]
    known = {key: value for key, value in preset.arguments.items() if key not in ("input_shape", "num_classes")}
    given = {key: value for key, value in model.items() if key != "preset"}
    content["model"] = {"builder": preset.builder, "name": preset.name, **plain_values(known), **given}
    return []


def _check_keys(content: dict) -> list[str]:
    known = ("experiment", "run", "model", "data", "training")
    return [f"{key}: unknown; expected one of {', '.join(known)}.{did_you_mean(key, known)}" for key in content if key not in known]


def _check_text(content: dict, key: str) -> tuple[str | None, list[str]]:
    value = content.get(key)
    if value is None or (isinstance(value, str) and value.strip()):
        return None if value is None else str(value), []
    return None, [f"{key}: expected text. Received: {value!r}."]


def _check_choice(content: dict, section: str, key: str, registry: Registry, optional: Sequence[str] = ()):
    """A section whose `key` names a function and whose other values are that function's arguments."""
    values = content.get(section)
    expected = f"one of {', '.join(registry)}"
    if not isinstance(values, dict) or key not in values:
        return "", {}, [f"{section}.{key}: missing; expected {expected}."]
    arguments = {k: v for k, v in values.items() if k != key}
    name = values[key]
    if name not in list(registry):
        hint = did_you_mean(name, registry)
        return "", {}, [f"{section}.{key}: expected {expected}. Received: {name}.{hint}"]
    checked, problems = schema.check_values(arguments, registry[name], section, optional)
    return name, checked, problems


def plain_values(value: Any) -> Any:
    """Tuples as lists and paths as text, for YAML."""
    if isinstance(value, Mapping):
        return {key: plain_values(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [plain_values(inner) for inner in value]
    return str(value) if isinstance(value, Path) else value
