"""Recipes, losses, metrics and the training itself."""

from .fit import Fitted, fit
from .recipe import Recipe, RecipeError, Training, load_recipe
from .train import Trained, prepare, train

__all__ = ["Fitted", "Recipe", "RecipeError", "Trained", "Training", "fit", "load_recipe", "prepare", "train"]
