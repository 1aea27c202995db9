from . import analysis as analysis
from .analysis import Profile as Profile
from .analysis import draw as draw
from .analysis import draw_receptive_field as draw_receptive_field
from .analysis import plot_feature_maps as plot_feature_maps
from .analysis import plot_filters as plot_filters
from .analysis import profile as profile
from .analysis import shift_consistency as shift_consistency
from .data import Dataset as Dataset
from .errors import ArgumentError as ArgumentError
from .errors import InputError as InputError
from .errors import TrainingError as TrainingError
from .models import Description as Description
from .models import build as build
from .models import build_cnn as build_cnn
from .models import build_preset as build_preset
from .models import build_unet as build_unet
from .models import describe as describe
from .models import list_presets as list_presets
from .models import load as load
from .models import save as save
from .tracking import Store as Store
from .training import Recipe as Recipe
from .training import Trained as Trained
from .training import load_recipe as load_recipe
from .training import train as train

__version__: str
