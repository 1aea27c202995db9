"""kzoo: CNN classifiers and U-Nets from hyperparameters, trained from recipes, compared in MLflow.

This is the front door. The public names stand in `__init__.pyi` beside this file; each is imported when it is first used, so that
`import kzoo` costs next to nothing.
"""

import lazy_loader

__version__ = "0.1.0"

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
