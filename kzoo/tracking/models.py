"""Models that MLflow can serve: the network of a finished run in MLflow's own format, and in its registry."""

import tempfile
import warnings
from importlib.metadata import version as installed
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .. import __version__
from ..errors import InputError, one_line
from .store import Store

if TYPE_CHECKING:
    import keras

FILE = "model.keras"
"""The artifact of a run that holds its network."""


def log_model(store: Store, run_id: str, file: Path, name: str = "model") -> str:
    """Adds a network to a run as a model that MLflow loads and serves.

    The model is a `pyfunc` that loads the `.keras` file with kzoo, so that kzoo's layers are known wherever it is loaded, and predicts
    what `model.predict` does. The versions that it needs are written down rather than found out by MLflow, which would take seconds.

    Args:
        store: of the run.
        run_id: of the run.
        file: a `.keras` file.
        name: of the model.

    Returns:
        The model's id: `mlflow.pyfunc.load_model("models:/ID")` loads it.

    Raises:
        InputError: the store does not answer, or the file is no model.
    """
    from ..models import load

    signature = _signature(load(file))
    client = _client(store)
    try:
        return _log(client, run_id, Path(file), name, signature)
    except Exception as error:
        raise _unreachable(store, error) from error


def register(store: Store, run_id: str, name: str) -> int:
    """Puts the network of a finished run into MLflow's model registry, from which `mlflow models serve` answers.

    Serve it where kzoo is installed and its environment is active, with `MLFLOW_TRACKING_URI` set to the store's address:
    `mlflow models serve -m models:/NAME/1 --env-manager local`. A run that is registered under the name already keeps its version.

    Args:
        store: of the run.
        run_id: of the run.
        name: of the registered model, made if there is none.

    Returns:
        The version, counted from 1.

    Raises:
        InputError: the store does not answer, the run is not finished or holds no network, or the name is not allowed.
    """
    status = store.get(run_id).status
    if status != "FINISHED":
        raise InputError(f"run {run_id}: expected a finished run. Received: {status}. Resume it first, or name another one.")
    _check_name(name)
    client = _client(store)
    known = _known_version(store, client, run_id, name)
    if known is not None:
        return known
    with tempfile.TemporaryDirectory() as folder:
        model_id = log_model(store, run_id, store.download(run_id, FILE, Path(folder)), name)
    try:
        return _add_version(client, run_id, name, model_id)
    except Exception as error:
        raise _unreachable(store, error) from error


def _client(store: Store):
    from mlflow import MlflowClient

    return MlflowClient(store.uri)


def _signature(model: "keras.Model"):
    """Arrays in, arrays out, any number of samples."""
    from mlflow.models import ModelSignature
    from mlflow.types import Schema

    return ModelSignature(Schema([_tensor(model.input)]), Schema([_tensor(model.output)]))


def _tensor(tensor):
    """float16 and bfloat16 come and go as float32, since neither exists in JSON or everywhere in NumPy."""
    import numpy as np
    from mlflow.types import TensorSpec

    kind = "float32" if str(tensor.dtype) in ("float16", "bfloat16") else str(tensor.dtype)
    return TensorSpec(np.dtype(kind), [-1 if size is None else size for size in tensor.shape])


def _log(client, run_id: str, file: Path, name: str, signature) -> str:
    """The steps of `mlflow.pyfunc.log_model`, through a client, which needs no active run and changes no global setting."""
    import mlflow.pyfunc
    from mlflow.entities import LoggedModelOutput
    from mlflow.models import Model

    experiment = client.get_run(run_id).info.experiment_id
    made = client.create_logged_model(experiment, name, source_run_id=run_id)
    with tempfile.TemporaryDirectory() as folder, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        mlflow.pyfunc.save_model(
            f"{folder}/model",
            loader_module=__name__,
            data_path=str(file),
            signature=signature,
            pip_requirements=_requirements(),
            mlflow_model=Model(model_id=made.model_id, run_id=run_id, artifact_path=made.artifact_location),
        )
        client.log_model_artifacts(made.model_id, f"{folder}/model")
    client.finalize_logged_model(made.model_id, "READY")
    client.log_outputs(run_id, [LoggedModelOutput(made.model_id, step=0)])
    return made.model_id


def _requirements() -> list[str]:
    """What the model was saved with: kzoo, Keras and its backend."""
    import keras

    return [f"kzoo=={__version__}", *(f"{package}=={installed(package)}" for package in ("keras", keras.backend.backend()))]


def _known_version(store: Store, client, run_id: str, name: str) -> int | None:
    try:
        versions = client.search_model_versions(f"name='{name}'")
    except Exception as error:
        raise _unreachable(store, error) from error
    return next((int(v.version) for v in versions if v.run_id == run_id), None)


def _add_version(client, run_id: str, name: str, model_id: str) -> int:
    from mlflow.exceptions import MlflowException

    try:
        client.create_registered_model(name)
    except MlflowException as error:
        if error.error_code != "RESOURCE_ALREADY_EXISTS":
            raise
    source = client.get_logged_model(model_id).artifact_location
    return int(client.create_model_version(name, source, run_id=run_id, model_id=model_id).version)


def _check_name(name: str) -> None:
    if not name.strip() or set(name) & set("/:.%\"'`"):
        raise InputError(f"name: expected letters, digits, spaces, - and _. Received: {name!r}. Choose such a name.")


def _unreachable(store: Store, error: Exception) -> InputError:
    return InputError(
        f"model registry {store.where}: does not answer ({one_line(error)[:200]}). Start the server, or set MLFLOW_TRACKING_URI."
    )


class _Served:
    """What MLflow calls: arrays to arrays."""

    def __init__(self, model: "keras.Model"):
        self._model = model

    def predict(self, inputs: Any, params: dict | None = None):  # noqa: ARG002
        """The output of `model.predict` as float32 at least."""
        import numpy as np

        found = np.asarray(self._model.predict(np.asarray(inputs), verbose=0))
        return found if found.dtype in (np.float32, np.float64) else found.astype("float32")


def _load_pyfunc(path: str) -> _Served:
    """Called by MLflow with the path of the `.keras` file; importing kzoo's models makes its layers known."""
    from ..models import load

    return _Served(load(path))
