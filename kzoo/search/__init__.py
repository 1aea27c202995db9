"""Hyperparameter search with keras-tuner: spaces, their X-ray, trials as MLflow runs, and what was found."""
