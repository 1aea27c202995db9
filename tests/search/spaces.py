"""Spaces for tests, small enough to be judged in a moment."""

from typing import Any

RECIPE = {
    "experiment": "small",
    "model": {"builder": "unet", "filters": 4, "depth": 2},
    "data": {"source": "digit_scenes", "scenes": 4, "validation_scenes": 2, "size": 32, "labels": "foreground"},
    "training": {"epochs": 2, "batch_size": 4},
}

DOMAINS = {
    "model.depth": [1, 2, 3],
    "model.filters": {"per_stage": [4, 8], "stages": "model.depth + 1"},
    "model.kernel_size": {"from": 3, "to": 7, "step": 2},
    "model.upsampling": ["transposed_conv", "nearest"],
    "model.upsampling_kernel": {"choices": [2, 4], "when": {"model.upsampling": "transposed_conv"}},
}
"""96 points or so; see `test_points`."""


def space(domains: dict[str, Any] | None = None, **sections: Any) -> dict[str, Any]:
    """The content of a space over the small recipe."""
    return {"recipe": RECIPE, "domains": DOMAINS if domains is None else domains, **sections}
