"""Reading a space: all mistakes at once, by their paths; overrides; where the recipe lies."""

import pytest
import yaml

from kzoo.errors import InputError
from kzoo.schema import Written
from kzoo.search import SpaceError, load_space
from tests.search.spaces import DOMAINS, RECIPE, space


def problems(content, overrides=None) -> list[str]:
    with pytest.raises(SpaceError) as caught:
        load_space(content, overrides)
    return caught.value.problems


def test_mistakes_of_every_section_are_named_in_one_error(tmp_path):
    path = tmp_path / "bad.yaml"
    path.write_text(
        """
recipe: digit_scenes
setings: {}
settings: {training.epochs: 0, model.depth: 2, training.optimizer: addam}
domains:
  model.depth: [2, 3]
  model.downsampling: [max_pool, avgpool]
  model.filtres: [8, 16]
  model.blocks: [1, 1]
constraints: [parameters <= 2e6, flops <= 3, macs about 3]
search: {tuner: randm, executions: 0}
"""
    )
    with pytest.raises(SpaceError) as caught:
        load_space(path)
    found = caught.value.problems
    unknown = next(problem for problem in found if problem.startswith("domains.model.filtres: unknown; expected one of "))
    assert unknown.endswith("Did you mean filters?")
    assert found == [
        "setings: unknown; expected one of recipe, settings, domains, constraints, search. Did you mean settings?",
        "settings.model.depth: is searched, as domains.model.depth. Leave one of them out.",
        "domains.model.downsampling: expected one of max_pool, avg_pool, strided_conv, strided_conv_widen, strided_first_conv, blur_pool. "
        "Received: avgpool. Did you mean avg_pool?",
        unknown,
        "domains.model.blocks: expected every value once. Received: 1 again.",
        "settings.training.epochs: expected an integer of at least 1. Received: 0.",
        "settings.training.optimizer: expected one of adam, adamw, sgd, rmsprop, nadam, lion or an import path. Received: addam. "
        "Did you mean adam?",
        "constraints[1]: expected a bound on one of parameters, macs, memory. Received: flops <= 3.",
        "constraints[2]: expected a bound, such as parameters <= 2e6. Received: macs about 3.",
        "search.tuner: expected one of random, grid, hyperband, bayesian. Received: randm. Did you mean random?",
        "search.executions: expected an integer of at least 1. Received: 0.",
    ]
    assert str(caught.value).splitlines()[0].startswith(f"{path}: setings")


@pytest.mark.parametrize(
    ("domain", "problem"),
    [
        ({"model.depth": 3}, "domains.model.depth: expected a list of values, or one of choices, from, per_stage, double_per_stage_from. "),
        ({"model.depth": []}, "domains.model.depth: expected a list of values. Received: []."),
        ({"model.depth": {"form": 1, "to": 3}}, "domains.model.depth: expected a list of values, or one of "),
        ({"model.depth": {"from": 1, "too": 3}}, "domains.model.depth.too: unknown; expected one of from, to, step, scale, when."),
        ({"model.depth": {"from": 3, "to": 1}}, "domains.model.depth.to: expected more than from, 3. Received: 1."),
        ({"model.depth": {"from": 0, "to": 3, "scale": "log"}}, "domains.model.depth.from: expected more than 0 for scale: log."),
        ({"model.depth": {"from": 1, "to": 3.5}}, "domains.model.depth: expected an integer. Received: 3.5."),
        ({"model.depth": {"from": 1, "to": 3, "step": 0}}, "domains.model.depth.step: expected a number above 0 for scale: linear."),
        (
            {"model.depth": {"from": 1, "to": 9, "step": 1, "scale": "log"}},
            "domains.model.depth.step: expected a number above 1 for scale: log",
        ),
        ({"model.depth": {"per_stage": [1], "stages": 2}}, "domains.model.depth: expected an integer. Received: [1]."),
        (
            {"model.filters": {"per_stage": [4, 8]}},
            "domains.model.filters.stages: expected a number of stages, or a path such as model.depth + 1.",
        ),
        (
            {"model.filters": {"per_stage": [4], "stages": "model.skip + 1"}},
            "domains.model.filters.stages: expected model.skip + 1 to be at least",
        ),
        ({"model.blocks": {"double_per_stage_from": [1, 2]}}, "domains.model.blocks.stages: expected a number of stages"),
        (
            {"model.skip": {"choices": ["add"], "when": {"model.depth": 2}}},
            "domains.model.skip.when.model.depth: expected a domain that stands",
        ),
        (
            {"training.seed": [0, 1]},
            "domains.training.seed: cannot be searched: every execution has a seed of its own; set search.executions.",
        ),
        ({"model.builder": ["unet", "cnn"]}, "domains.model.builder: cannot be searched: a space searches one builder;"),
        ({"depth": [1, 2]}, "domains.depth: expected a path in the recipe that begins with model, data or training."),
        ({}, "domains: missing; expected PATH: DOMAIN, such as model.depth: [2, 3, 4]."),
    ],
)
def test_a_faulty_domain(domain, problem):
    found = problems(space(domain))
    assert len(found) == 1
    assert found[0].startswith(problem)


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        (
            {"model.upsampling": "nearst"},
            ".model.upsampling: expected one of transposed_conv, nearest. Received: nearst. Did you mean nearest?",
        ),
        ({"model.skip": "add"}, ".model.skip: expected a domain that stands before this one (model.depth, model.upsampling). Did you mean"),
        ({"data.labels": "digits"}, ".data.labels: expected a domain that stands before this one (model.depth, model.upsampling)."),
        ({"model.depth": 4}, ".model.depth: expected one of 1, 2. Received: 4."),
        ("nearest", ": expected PATH: VALUE of a domain before this one. Received: nearest."),
    ],
)
def test_a_faulty_condition(when, problem):
    domains = {
        "model.depth": [1, 2],
        "model.upsampling": ["transposed_conv", "nearest"],
        "model.upsampling_kernel": {"choices": [2, 4], "when": when},
        "model.skip": ["concat", "add"],
    }
    assert [found[: len(problem) + 36] for found in problems(space(domains))] == [f"domains.model.upsampling_kernel.when{problem}"]


@pytest.mark.parametrize(
    ("search", "training", "problem"),
    [
        (
            {"objective": "accuracy"},
            {"metrics": ["mean_iou"]},
            "search.objective: expected one of mean_iou, loss, which the recipe measures.",
        ),
        (
            {"objective": "iou"},
            {},
            "search.objective: expected one of mean_iou, foreground_iou, accuracy, loss, which the recipe measures. Received: iou.",
        ),
        (
            {"tuner": "hyperband", "trials": 5},
            {"epochs": 9},
            "search.trials: expected null for tuner: hyperband, whose brackets say how many.",
        ),
        (
            {"tuner": "hyperband"},
            {"epochs": 2},
            "search.tuner: expected training.epochs of at least 3 for hyperband, so that a trial can go on.",
        ),
        ({"hyperband": {"factor": 4}}, {}, "search.hyperband: expected only with tuner: hyperband. Received: tuner: random."),
        ({"seed": -1}, {}, "search.seed: expected "),
        (
            {"factor": 3},
            {},
            "search.factor: unknown; expected one of tuner, trials, objective, executions, seed, retries, stop_hopeless, hyperb",
        ),
    ],
)
def test_a_faulty_search(search, training, problem):
    found = problems(space(search=search, settings={f"training.{key}": value for key, value in training.items()}))
    assert len(found) == 1
    assert found[0].startswith(problem)


def test_losses_of_different_kinds_are_not_compared():
    domains = {"training.loss": ["crossentropy", "dice"]}
    assert load_space(space(domains)).search.objective is None
    assert problems(space(domains, search={"objective": "loss"})) == [
        "domains.training.loss: expected an objective other than loss, since losses of different kinds do not compare."
    ]


def test_what_the_builder_refuses_at_the_default_point_is_no_mistake_of_the_file():
    """Whether values fit together is asked point by point, since other points may fit."""
    assert load_space(space({"model.upsampling": ["max_unpool", "nearest"], "model.downsampling": ["avg_pool", "max_pool"]}))


def test_a_recipe_that_is_missing_or_faulty():
    assert problems({"domains": DOMAINS})[0].startswith(
        "recipe: missing; expected the name of a shipped recipe, a recipe file, or a recipe"
    )
    assert problems({"recipe": "digit_scens", "domains": DOMAINS})[0].startswith("recipe: digit_scens: no such file.")
    content = {**RECIPE, "model": {"builder": "unet", "colour": 3}}
    assert problems({"recipe": content, "domains": DOMAINS})[0].startswith("recipe.model.colour: unknown;")


def test_the_recipe_lies_beside_the_space(tmp_path, monkeypatch):
    (tmp_path / "mine.yaml").write_text(yaml.safe_dump(RECIPE))
    (tmp_path / "space.yaml").write_text(yaml.safe_dump({"recipe": "mine.yaml", "domains": {"model.depth": [1, 2]}}))
    monkeypatch.chdir("/")
    found = load_space(tmp_path / "space.yaml")
    assert (found.name, found.recipe.experiment) == ("space", "small")
    assert found.text == (tmp_path / "space.yaml").read_text()


def test_keys_that_stand_twice_are_refused(tmp_path):
    path = tmp_path / "space.yaml"
    path.write_text("recipe: digits\ndomains: {model.depth: [1, 2], model.depth: [3]}\n")
    with pytest.raises(InputError, match=r"the key model.depth stands twice"):
        load_space(path)


def test_overrides_by_path():
    overrides = {
        "search.trials": 7,
        "search.hyperband.factor": Written("3"),
        "settings.data.size": Written("48"),
        "training.epochs": 5,
        "domains.model.depth": Written("[1, 2]"),
        "domains.model.kernel_size": None,
        "constraints": Written("[macs <= 1e6]"),
    }
    found = load_space(space(), overrides)
    assert (found.search.trials, found.search.hyperband.factor, found.recipe.data["size"], found.recipe.training.epochs) == (7, 3, 48, 5)
    assert [d.name for d in found.dimensions] == ["depth", "filters_0", "filters_1", "filters_2", "upsampling", "upsampling_kernel"]
    assert [str(constraint) for constraint in found.constraints] == ["macs <= 1e+06"]
    assert problems(space(), {"trials": 3}) == [
        "trials: expected a path in the space, such as search.trials, settings.PATH or domains.PATH."
    ]


def test_a_checked_space_is_taken_as_it_is_or_changed():
    found = load_space(space())
    assert load_space(found) is found
    changed = load_space(found, {"search.tuner": "grid"})
    assert (found.search.trials, changed.search.trials, changed.name) == (40, None, found.name)
    assert changed.dimensions == found.dimensions


def test_a_value_for_a_recipe_that_lacks_it():
    """The number that a domain gives may be one that the recipe must have."""
    recipe = {"model": {"builder": "resnet", "block": "basic", "stem": "3x3", "filters": 4}, "data": {"source": "digits"}}
    found = load_space({"recipe": recipe, "domains": {"model.blocks": [[1, 1], [2, 2]]}})
    assert found.recipe.model["blocks"] == [1, 1]
