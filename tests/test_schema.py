"""Values against signatures: every mistake is one line that begins with its path."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

import pytest
from pydantic import Field

from kzoo.schema import check_values, defaults, describe


@dataclass
class Inner:
    patience: Annotated[int, Field(ge=1)] = 3


def function(
    *,
    size: int,
    kernels: int | Sequence[int | Sequence[int]] = 3,
    rate: Annotated[float, Field(gt=0, le=1)] = 0.1,
    mode: Literal["same", "valid"] = "same",
    path: Path | None = None,
    stop: Inner | None = None,
    names: Sequence[str] = (),
): ...


def problems(**values):
    return check_values(values, function, "here")[1]


def test_good_values_are_converted():
    values = {"size": 4, "kernels": [[1, 3], 3], "rate": "1e-3", "path": "a/b", "stop": {"patience": 5}, "names": ["x"]}
    checked, found = check_values(values, function, "here")
    assert found == []
    assert checked == {**values, "rate": 0.001, "path": Path("a/b"), "stop": Inner(5)}


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ({}, "here.size: missing; expected an integer."),
        ({"size": "big"}, "here.size: expected an integer. Received: big."),
        ({"size": True}, "here.size: expected an integer. Received: True."),
        ({"size": 1, "kernels": "x"}, "here.kernels: expected an integer or a list of integers or lists of integers. Received: x."),
        ({"size": 1, "rate": 0}, "here.rate: expected a number of more than 0 and at most 1. Received: 0."),
        ({"size": 1, "mode": "vaild"}, "here.mode: expected one of same, valid. Received: vaild. Did you mean valid?"),
        ({"size": 1, "stop": {"patience": 0}}, "here.stop.patience: expected an integer of at least 1. Received: 0."),
        ({"size": 1, "stop": 3}, "here.stop: expected settings (patience) or null. Received: 3."),
        ({"size": 1, "names": "a,b"}, "here.names: expected a list of texts. Received: a,b. Write [a,b]."),
        ({"size": 1, "names": [1]}, "here.names: expected a list of texts. Received: [1]."),
        (
            {"size": 1, "kernel": 1},
            "here.kernel: unknown; expected one of size, kernels, rate, mode, path, stop, names. Did you mean kernels?",
        ),
    ],
)
def test_mistakes(values, expected):
    assert problems(**values) == [expected]


def test_all_mistakes_at_once():
    assert len(problems(kernels="x", mode="x", extra=1)) == 4


def test_what_is_no_mapping():
    assert check_values([1], function, "here")[1] == ["here: expected settings as `name: value`. Received: [1]."]


def test_defaults_and_words():
    assert defaults(function)["rate"] == 0.1
    assert "size" not in defaults(function)
    assert describe(Path | None) == "a path or null"
    assert describe(str | Mapping[str, Mapping[str, float]]) == "text or settings as `name: value`"
