"""Recipes, losses, metrics and the training itself."""

from .fit import Fitted, fit
from .prepare import prepare
from .recipe import Recipe, RecipeError, Training, load_recipe
from .train import Trained, train

__all__ = ["Fitted", "Recipe", "RecipeError", "Trained", "Training", "fit", "load_recipe", "prepare", "train"]
