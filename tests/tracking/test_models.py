"""Models in MLflow's registry, loaded and served by processes that know nothing but the store."""

import json
import os
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from kzoo import InputError, Store, build_unet, save
from kzoo.tracking.models import log_model, register

BIN = Path(sys.executable).parent


@pytest.fixture(scope="module")
def network():
    """A U-Net with a layer of kzoo's own, which plain Keras cannot load."""
    unet = build_unet(input_shape=(16, 16, 1), num_classes=2, filters=4, depth=2, downsampling="blur_pool")
    assert any(type(layer).__module__.startswith("kzoo.") for layer in unet.layers)
    return unet


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Store:
    return Store(root=tmp_path_factory.mktemp("mlruns"))


@pytest.fixture
def run_id(store, network, tmp_path) -> str:
    save(network, tmp_path / "model.keras")
    with store.start("winners", "unet") as run:
        run.log_file(tmp_path / "model.keras")
    return run.id


@pytest.fixture
def images() -> np.ndarray:
    return np.random.default_rng(0).normal(size=(3, 16, 16, 1)).astype("float32")


@contextmanager
def process(*command: str, log: Path, **environment: str):
    """A process of this Python's environment, which ends with the block."""
    path = f"{BIN}:{os.environ['PATH']}"
    paths = os.pathsep.join([str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])])
    with log.open("wb") as output:
        env = {**os.environ, "PATH": path, "PYTHONPATH": paths, **environment}
        started = subprocess.Popen([sys.executable, *command], env=env, stdout=output, stderr=output, start_new_session=True)
        try:
            yield started
        finally:
            os.killpg(started.pid, 15)
            started.wait(20)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_for(url: str, started: subprocess.Popen, log: Path, seconds: float = 90) -> None:
    limit = time.monotonic() + seconds
    while True:
        try:
            urllib.request.urlopen(url, timeout=5).read()
            return
        except OSError:
            assert started.poll() is None, log.read_text()[-2000:]
            assert time.monotonic() < limit, log.read_text()[-2000:]
            time.sleep(0.3)


def served(store_uri: str, name: str, images: np.ndarray, folder: Path) -> np.ndarray:
    """What `mlflow models serve` answers."""
    port, log = free_port(), folder / "serve.log"
    command = ["-m", "mlflow", "models", "serve", "-m", f"models:/{name}/1", "--env-manager", "local", "--port", str(port)]
    with process(*command, log=log, MLFLOW_TRACKING_URI=store_uri) as server:
        wait_for(f"http://127.0.0.1:{port}/ping", server, log)
        body = json.dumps({"instances": images.tolist()}).encode()
        asked = urllib.request.Request(f"http://127.0.0.1:{port}/invocations", body, {"Content-Type": "application/json"})
        return np.array(json.load(urllib.request.urlopen(asked, timeout=60))["predictions"], "float32")


def test_a_registered_model_predicts_as_the_network_does(store, run_id, network, images, monkeypatch):
    import mlflow

    started = time.monotonic()
    version = register(store, run_id, "unet small")
    assert time.monotonic() - started < 10
    monkeypatch.setenv("MLFLOW_TRACKING_URI", store.uri)
    model = mlflow.pyfunc.load_model(f"models:/unet small/{version}")
    assert np.array_equal(model.predict(images), network.predict(images, verbose=0))
    assert (version, model.metadata.run_id) == (1, run_id)
    assert str(model.metadata.get_input_schema().inputs[0].shape) == "(-1, 16, 16, 1)"
    assert model.metadata.get_output_schema().inputs[0].shape == (-1, 16, 16, 2)
    with pytest.raises(mlflow.exceptions.MlflowException, match="shape"):
        model.predict(images[:, :8])


def test_a_run_keeps_its_version_and_another_run_takes_the_next(store, run_id, tmp_path):
    from mlflow import MlflowClient

    assert [register(store, run_id, "again") for _ in range(2)] == [1, 1]
    with store.start("winners", "other") as run:
        run.log_file(tmp_path / "model.keras")
    assert register(store, run.id, "again") == 2
    client = MlflowClient(store.uri)
    assert [v.run_id for v in client.search_model_versions("name='again'")] == [run.id, run_id]
    assert len(client.get_run(run_id).outputs.model_outputs) == 1


def test_versions_are_written_down(store, run_id, tmp_path):
    from importlib.metadata import version

    from mlflow import MlflowClient

    model_id = log_model(store, run_id, tmp_path / "model.keras", "plain")
    model = MlflowClient(store.uri).get_logged_model(model_id)
    assert (model.name, model.status.name, model.source_run_id) == ("plain", "READY", run_id)
    requirements = next(store.root.rglob(f"{model_id}/artifacts/requirements.txt")).read_text().split()
    assert f"keras=={version('keras')}" in requirements
    assert any(line.startswith("kzoo==") for line in requirements)


def test_registering_changes_no_setting_of_mlflow(store, run_id):
    import mlflow

    before = mlflow.get_tracking_uri()
    register(store, run_id, "setting")
    assert mlflow.get_tracking_uri() == before
    assert mlflow.active_run() is None


@pytest.mark.parametrize("name", ["", "a/b", "a:1", "it's"])
def test_names_that_the_registry_has_not(store, run_id, name):
    with pytest.raises(InputError, match=r"^name: expected letters"):
        register(store, run_id, name)


def test_runs_that_have_no_network(store):
    run = store.start("winners", "empty")
    with run, pytest.raises(InputError, match=rf"run {run.id}: expected a finished run\. Received: RUNNING"):
        register(store, run.id, "x")
    with pytest.raises(InputError, match=rf"run {run.id}: has no artifact model\.keras"):
        register(store, run.id, "x")
    with pytest.raises(InputError, match="run nowhere: not found"):
        register(store, "nowhere", "x")


def test_a_server_that_went_away(store, run_id, tmp_path, monkeypatch):
    monkeypatch.setenv("MLFLOW_HTTP_REQUEST_MAX_RETRIES", "0")
    monkeypatch.setattr(store, "uri", "http://127.0.0.1:9")
    with pytest.raises(InputError, match=r"^model registry http://127\.0\.0\.1:9: does not answer .*Start the server"):
        register(store, run_id, "x")
    with pytest.raises(InputError, match="does not answer"):
        log_model(store, run_id, tmp_path / "model.keras")


@pytest.mark.processes
def test_mlflow_serves_what_the_network_predicts(store, run_id, network, images, tmp_path):
    assert register(store, run_id, "served") == 1
    found = served(store.uri, "served", images, tmp_path)
    assert np.allclose(found, network.predict(images, verbose=0), rtol=0, atol=1e-6)


@pytest.mark.processes
def test_a_model_goes_through_a_tracking_server(network, images, tmp_path):
    port, log = free_port(), tmp_path / "server.log"
    places = ["--backend-store-uri", f"sqlite:///{tmp_path}/mlflow.db", "--artifacts-destination", str(tmp_path / "artifacts")]
    command = ["-m", "mlflow", "server", "--host", "127.0.0.1", "--port", str(port), "--workers", "1", *places]
    with process(*command, log=log, MLFLOW_SERVER_ENABLE_JOB_EXECUTION="false", MLFLOW_DISABLE_TELEMETRY="true") as server:
        wait_for(f"http://127.0.0.1:{port}/health", server, log)
        store = Store(f"http://127.0.0.1:{port}", root=tmp_path)
        save(network, tmp_path / "model.keras")
        with store.start("winners", "unet") as run:
            run.log_file(tmp_path / "model.keras")
        assert register(store, run.id, "remote") == 1
        found = served(store.uri, "remote", images, tmp_path)
    assert np.allclose(found, network.predict(images, verbose=0), rtol=0, atol=1e-6)
