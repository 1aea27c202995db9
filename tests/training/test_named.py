"""Models by what stands on the command line."""

import keras
import pytest

import kzoo
from kzoo.errors import InputError
from kzoo.stack import ops
from kzoo.training.named import named_model

SMALL = {"input_shape": [16, 16, 1], "num_classes": 2, "filters": 2, "depth": 1}


def test_a_builder_with_its_arguments():
    assert named_model("unet", SMALL).output_shape == (None, 16, 16, 2)


def test_a_recipe_takes_its_input_from_the_data():
    assert named_model("digits", {"model.filters": [4, 8]}).input_shape == (None, 8, 8, 1)


def test_a_recipe_with_all_sizes_reads_no_data(tmp_path):
    recipe = tmp_path / "r.yaml"
    recipe.write_text(
        "model: {builder: unet, num_classes: 2, filters: 4, depth: 1, padding: valid}\ndata: {source: image_folder, path: nowhere}\n"
    )
    assert named_model(str(recipe), input_shape=(32, 32, 1)).output_shape == (None, 16, 16, 2)
    with pytest.raises(InputError, match=r"^model.input_shape: expected spatial sizes"):
        named_model(str(recipe), input_shape=(33, 32, 1))


def test_the_input_shape_of_a_builder_stands_apart():
    model = named_model("unet", {"num_classes": 3, "filters": 2}, (None, None, 1))
    assert model.output_shape == (None, None, None, 3)


def test_a_saved_file_with_layers_of_kzoo(tmp_path):
    model = named_model("unet", {**SMALL, "upsampling": "pixel_shuffle", "downsampling": "blur_pool"})
    model.save(tmp_path / "model.keras")
    loaded = named_model(str(tmp_path / "model.keras"))
    assert kzoo.profile(loaded).to_dict() == kzoo.profile(model).to_dict()


@pytest.mark.parametrize(
    ("source", "settings", "words"),
    [
        ("unett", None, "unett: expected a preset .* Did you mean unet"),
        ("unet", {"num_classes": 2}, "unet.input_shape: missing; .* Give it by --set"),
        ("unet", {**SMALL, "depht": 2}, "unet.depht: unknown; .* Did you mean depth"),
        ("unet", {**SMALL, "input_shape": [17, 16, 1], "padding": "valid"}, "unet.input_shape: expected spatial sizes"),
        ("nowhere.keras", None, "nowhere.keras: no such file"),
        ("nowhere.keras", {"depth": 2}, "--set: expected none for a saved model"),
        ("digits", {"model.depht": 2}, "model.depht: unknown"),
    ],
)
def test_what_cannot_be_used_is_named(source, settings, words):
    with pytest.raises(InputError, match=words):
        named_model(source, settings)


def test_a_file_that_is_no_model_is_named(tmp_path):
    (tmp_path / "model.keras").write_text("text")
    with pytest.raises(InputError, match=r"model.keras: expected a model that Keras can load"):
        named_model(str(tmp_path / "model.keras"))


class Twice(keras.layers.Layer):
    def call(self, x):
        return 2 * x


def swoosh(x):
    return x * ops.sigmoid(x)


@pytest.mark.parametrize("ending", ["keras", "h5"])
@pytest.mark.parametrize("name", ["Twice", "swoosh"])
def test_a_class_that_keras_does_not_know_is_named(name, ending, tmp_path):
    layer = {"Twice": Twice, "swoosh": lambda: keras.layers.Conv2D(2, 3, activation=swoosh)}[name]()
    file = tmp_path / f"own.{ending}"
    keras.Sequential([keras.Input((8, 8, 1)), layer]).save(file)
    with pytest.raises(InputError) as error:
        named_model(str(file))
    assert str(error.value) == (
        f"{file}: expected layers that Keras knows. Received: {name}. Load it in Python with {name} registered, "
        "by keras.saving.register_keras_serializable, and call kzoo.profile(model) or kzoo.draw(model)."
    )
