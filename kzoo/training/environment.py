"""What a run ran on: package versions, backend, device."""

import platform
from importlib import metadata

from ..stack import config

PACKAGES = ("kzoo", "keras", "tensorflow", "jax", "torch", "keras-tuner", "mlflow", "scikit-image", "numpy")


def describe_environment() -> dict[str, str]:
    """Versions and hardware as flat text: `version.keras`, `backend`, `device`, ..."""
    return {
        **{f"version.{name}": version for name, version in _versions().items()},
        "version.python": platform.python_version(),
        "platform": platform.platform(),
        "backend": config.backend(),
        "device": ", ".join(_accelerators()) or f"CPU ({platform.processor() or platform.machine()})",
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _accelerators() -> list[str]:
    """Names of the GPUs and TPUs that the backend uses."""
    backend = config.backend()
    if backend == "tensorflow":
        import tensorflow as tf

        devices = tf.config.list_physical_devices("GPU")
        return [tf.config.experimental.get_device_details(d).get("device_name", d.name) for d in devices]
    if backend == "jax":
        import jax

        return [d.device_kind for d in jax.devices() if d.platform != "cpu"]
    import torch

    return [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
