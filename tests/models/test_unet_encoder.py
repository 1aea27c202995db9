"""U-Nets whose contracting path is a classifier."""

import keras
import numpy as np
import pytest

from kzoo import ArgumentError, build, build_preset, build_unet, describe, load, profile, save
from kzoo.models import taps

from .cells import path, random, run
from .classifiers import TINY

SMALL = {"preset": "resnet18", "filters": 4}


def unet(encoder=SMALL, size=40, **options) -> keras.Model:
    return build_unet(**{"input_shape": (size, size, 1), "num_classes": 2, "encoder": encoder, **options})


def test_the_encoder_is_the_classifier_layer_by_layer():
    model, classifier = unet("resnet34", 64), build_preset("resnet34", input_shape=(64, 64, 1))
    trunk = [layer for layer in classifier.layers if layer.name not in ("pool", "head")]
    assert [layer.name for layer in model.layers if not layer.name.startswith(("decoder", "head"))] == [layer.name for layer in trunk]
    assert not any(isinstance(layer, keras.Model) for layer in model.layers)
    decoder = sum(layer.count_params() for layer in model.layers if layer.name.startswith(("decoder", "head")))
    assert model.count_params() == decoder + sum(layer.count_params() for layer in trunk)


def test_skips_are_the_taps_finest_last():
    model = unet()
    found = taps(build_preset("resnet18", filters=4, num_classes=0, features_only=True))
    inputs = {layer.name: [x.shape[-1] for x in layer.input] for layer in model.layers if layer.name.endswith("_concat")}
    assert inputs == {f"decoder{stage + 2}_concat": [found[stage].channels, 16 * 2 ** (stage + 1)] for stage in range(4)}
    assert model.get_layer("decoder1_up").input.shape[1:] == (20, 20, 32)


def test_a_classifier_that_begins_at_full_resolution_has_a_skip_there():
    model = unet({"builder": "vgg", "filters": 4, "blocks": (1, 1, 1)})
    assert [x.shape[1:] for x in model.get_layer("decoder1_concat").input] == [(40, 40, 4), (40, 40, 16)]


@pytest.mark.parametrize("builder", sorted(TINY))
def test_every_classifier_is_an_encoder_for_any_size(builder):
    """At a size that no stride divides, also where it is known at run time only, and where the published network pads nothing."""
    encoder = {"builder": builder, **{key: value for key, value in TINY[builder].items() if key != "num_classes"}}
    fixed, free = unet(encoder, 113), unet(encoder, None)
    free.set_weights(fixed.get_weights())
    x = random(1, 113, 113, 1)
    assert run(fixed, x).shape == (1, 113, 113, 2)
    np.testing.assert_allclose(run(free, x), run(fixed, x), atol=1e-5)


@pytest.mark.parametrize(
    "options", [{"skip": "add", "upsampling": "nearest"}, {"skip": "attention"}, {"skip": "none"}, {"deep_supervision": 2}], ids=str
)
def test_decoders(options):
    model = unet(**options, normalization="batch", size=37)
    found = model(random(1, 37, 37, 1))
    main = found[0] if isinstance(found, list) else found
    assert tuple(main.shape) == (1, 37, 37, 2)


def test_learns_everywhere_and_comes_back_from_its_file(tmp_path):
    model = unet(activation="elu", encoder={**SMALL, "activation": "elu"})
    x = random(2, 40, 40, 1)
    save(model, tmp_path / "unet.keras")
    again = load(tmp_path / "unet.keras")
    np.testing.assert_array_equal(run(again, x), run(model, x))
    assert describe(again).hash == describe(build(describe(model))).hash
    before = model.get_weights()
    model.compile(keras.optimizers.SGD(1.0), "sparse_categorical_crossentropy", run_eagerly=True)
    model.train_on_batch(x, np.arange(3200).reshape(2, 40, 40) % 2)
    still = [path(v) for v, b, a in zip(model.weights, before, model.get_weights(), strict=True) if np.array_equal(a, b)]
    assert not still


def test_signals_and_volumes():
    assert unet(input_shape=(50, 2)).output_shape == (None, 50, 2)
    assert unet({**SMALL, "small_input": True}, input_shape=(9, 10, 8, 1)).output_shape == (None, 9, 10, 8, 2)


def test_profile_tells_by_how_much_the_skips_lie_beside_the_decoder():
    """A strided convolution is centred on its first pixel, what is up-sampled from it on the middle of two."""
    found = profile(unet("resnet34", 64))
    assert found.status == "complete"
    assert {m.layer for m in found.misaligned} == {f"decoder{stage}_concat" for stage in (2, 3, 4, 5)}
    assert profile(unet("vgg11", 64)).aligned


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"filters": 32}, r"filters: expected 64, its default, since the encoder is a classifier. Received: 32. Leave it out"),
        ({"padding": "valid"}, "padding: expected 'same', its default"),
        ({"upsampling": "max_unpool"}, "upsampling: expected another one"),
        ({"encoder": "unet_2015"}, r"encoder: expected a preset or builder of a classifier \(.*resnet.*\). Received: unet"),
        ({"encoder": "resnet33"}, r"preset: expected one of .* Received: resnet33. Did you mean resnet34\?"),
        ({"encoder": {"preset": "resnet18", "blokcs": [1]}}, r"encoder.blokcs: unknown; .* Did you mean blocks\?"),
        ({"encoder": {"preset": "resnet18", "num_classes": 3}}, "encoder: expected no num_classes, which the U-Net gives it. Received: 3"),
        ({"encoder": "resnet18", "size": 24}, "input_shape: expected larger sizes: stage4 gets 2"),
        ({"encoder": 3}, "encoder: expected a preset's name, or a mapping with preset or builder in it. Received: 3"),
    ],
    ids=str,
)
def test_contradictions_are_named(options, message):
    with pytest.raises(ArgumentError, match=message):
        unet(**options)
