"""Networks without weights: equal in all that a profile says, and nothing is allocated, then or later."""

import os
import subprocess
import sys

import keras
import pytest

from kzoo import ArgumentError, build_unet, describe, profile
from kzoo.models.weightless import weightless
from kzoo.stack.keras3 import _uninitialized

U_NET = {"input_shape": (32, 32, 1), "num_classes": 2, "filters": 4, "depth": 2, "normalization": "batch", "dropout": 0.1}

MEASURE = """
import keras, resource
from pathlib import Path
from kzoo import ArgumentError, build_unet, profile
from kzoo.models.weightless import weightless
from kzoo.stack.keras3 import _uninitialized

def megabytes():
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6

given = {"input_shape": (64, 64, 1), "num_classes": 2, "normalization": "batch"}
with weightless():
    build_unet(**given, filters=4)
before = megabytes()
with weightless():
    model = build_unet(**given, filters=512)
total = profile(model).total
with keras.StatelessScope():
    pass
print(keras.backend.backend(), total, megabytes() - before)
"""


def test_the_profile_is_that_of_the_network():
    with weightless():
        light = build_unet(**U_NET)
    heavy = build_unet(**U_NET)
    found, expected = profile(light), profile(heavy)
    assert found.macs == expected.macs
    assert (found.total, found.trainable, found.weight_bytes) == (expected.total, expected.trainable, expected.weight_bytes)
    assert (found.training, found.inference, found.receptive_field) == (expected.training, expected.inference, expected.receptive_field)
    assert describe(light) == describe(heavy)
    assert all(variable._value is None for variable in light.variables)


def test_no_later_scope_initializes_them():
    with weightless():
        light = build_unet(**U_NET)
    with keras.StatelessScope():
        pass
    assert all(variable._value is None for variable in light.variables)


def test_variables_that_waited_before_are_still_waiting():
    with keras.StatelessScope(initialize_variables=False):
        own = keras.Variable("zeros", shape=(3,))
        with weightless():
            build_unet(**U_NET)
    assert any(variable is own for variable in _uninitialized())
    with keras.StatelessScope():
        pass
    assert own.numpy().tolist() == [0, 0, 0]


def test_an_error_inside_leaves_nothing_behind():
    before = len(_uninitialized())

    def build_two():
        with weightless():
            build_unet(**U_NET)
            build_unet(**U_NET, upsampling="max_unpool", downsampling="avg_pool")

    with pytest.raises(ArgumentError, match="max_pool"):
        build_two()
    assert len(_uninitialized()) == before
    assert all(variable._value is not None for variable in build_unet(**U_NET).variables)


@pytest.mark.parametrize("backend", ["tensorflow", "jax"])
def test_two_billion_weights_take_no_memory(backend):
    """Eight gigabytes if they were allocated, be it by a scope that comes later."""
    pytest.importorskip(backend)
    environment = {**os.environ, "KERAS_BACKEND": backend, "TF_CPP_MIN_LOG_LEVEL": "3"}
    done = subprocess.run([sys.executable, "-c", MEASURE], env=environment, capture_output=True, text=True, check=True, timeout=120)
    name, total, megabytes = done.stdout.split()
    assert (name, int(total)) == (backend, 1_985_680_386)
    assert float(megabytes) < 200
