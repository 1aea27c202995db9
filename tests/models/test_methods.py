"""The paragraph of every network: its family, what differs, and the works that it cites."""

import re
from dataclasses import replace
from inspect import signature

import pytest

from kzoo import build_preset, build_unet, build_vgg, describe
from kzoo.models import BUILDERS, PRESETS, Description, configuration, families, wording
from kzoo.models.families import FAMILIES
from kzoo.models.identity import plain
from kzoo.models.methods import _SENTENCES, paragraph
from kzoo.models.works import WORKS

SMALL = {"input_shape": (32, 32, 1), "num_classes": 3, "filters": 4}


def described(config) -> Description:
    """The description of a configuration that is not built."""
    builder, arguments = configuration(config)
    return Description(builder, {name: plain(value) for name, value in arguments.items()}, "0", 7, "float32")


def text_of(builder: str = "resnet", **arguments) -> str:
    return paragraph(described({"builder": builder, "input_shape": (64, 64, 3), "num_classes": 10, **arguments}))


def test_every_builder_has_its_words():
    """A new builder is entered in `FAMILIES`; a user's own is called by its builder's name, see below."""
    assert set(BUILDERS) <= {*_SENTENCES, *FAMILIES}


def test_every_work_that_can_be_cited_is_listed():
    phrases = str([wording.PHRASES, families._CHOICES, families._AMOUNTS])
    cited = {*re.findall(r"\[([A-Z]\w+ \d{4}\w?)\]", phrases), *(family.work for family in FAMILIES.values())}
    assert cited <= set(WORKS)
    assert len(set(WORKS.values())) == len(WORKS)
    for key, work in WORKS.items():
        surname, year = re.fullmatch(r"([A-Z]\w+) (\d{4})[a-z]?", key).groups()
        assert work.startswith(surname)
        assert work.endswith(f"{year}.")


def test_two_works_of_one_author_and_year_have_a_letter_each():
    years = [re.sub(r"[a-z]$", "", key) for key in WORKS]
    for key, year in zip(WORKS, years, strict=True):
        assert (years.count(year) > 1) == key[-1].isalpha(), key


@pytest.mark.parametrize("name", sorted(PRESETS))
def test_every_preset_has_a_paragraph(name):
    text, *works = paragraph(replace(described(name), parameters=PRESETS[name].total)).splitlines()
    assert text.startswith("We used a ")
    assert f"it has {PRESETS[name].total:,} parameters" in text
    assert "[" not in text
    assert works
    assert all(f"({work.split(':')[0]})" in text for work in works)
    assert PRESETS[name].builder in ("unet", "cnn") or f"kzoo's preset {name}" in text


@pytest.mark.parametrize("builder", [name for name in BUILDERS if "features_only" in signature(BUILDERS[name]).parameters])
def test_the_default_network_departs_from_nothing(builder):
    text = text_of(builder)
    assert f"We used a 2-D {FAMILIES[builder].name} ({FAMILIES[builder].work})" in text
    assert "departs" not in text


def test_a_published_network_is_recognized_and_its_paper_cited():
    first, *works = describe(build_preset("wrn_16_4", filters=[8, 16, 32])).methods.splitlines()
    assert "preset" not in first
    text = paragraph(described({"preset": "wrn_16_4", "input_shape": (64, 64, 1), "num_classes": 2, "name": "mine"}))
    assert "with 64, 128 and 256 filters and 2 residual blocks per stage, kzoo's preset wrn_16_4 (Zagoruyko 2016)." in text
    assert [work.split(":")[0] for work in works] == ["He 2016a", "He 2016b", "Ioffe 2015", "He 2015"]


def test_departures_in_words_and_as_written():
    text = text_of(
        cardinality=32, se_reduction=16, stochastic_depth=0.2, shortcut="D", stem_filters=16, bias="always", block_order="norm-act-conv"
    )
    assert (
        "It departs from the builder's defaults by convolutions in 32 groups (Xie 2017), stem_filters=16, shortcuts that average before "
        "they project (He 2019), norm and activation before each convolution (He 2016b), squeeze and excitation with a reduction of 16 "
        "(Hu 2018), stochastic depth at rates of up to 0.2 (Huang 2016) and bias=always."
    ) in text


def test_choices_that_all_classifiers_share():
    arguments = {"downsampling": "blur_pool", "normalization": "none", "activation": {"LeakyReLU": {"negative_slope": 0.01}}}
    stages = {"blocks": [1, 2], "filters": 64, "kernel_size": [3, 5]}
    text = text_of("vgg", **arguments, **stages, small_input=True, dense=[8], pooling="avg", dropout=0.2)
    for part in (
        "2-D VGG network (Simonyan 2015) with 64 and 128 filters and 1 and 2 convolutions per stage.",
        "It departs from the builder's defaults by kernels of size 3 and 5.",
        "It has no normalization and the activation LeakyReLU (negative_slope 0.01).",
        "In place of each stride stands anti-aliased max pooling (Zhang 2019).",
        "the earliest strides are 1 where a stage would have fewer than 4 positions.",
        "The last maps are averaged over all positions, then pass a dense layer of 8 units and are classified by softmax.",
        "Dropout (Srivastava 2014) is applied behind each hidden dense layer at a rate of 0.2.",
    ):
        assert part in text


@pytest.mark.parametrize(
    ("arguments", "part"),
    [
        ({"features_only": True}, "Its outputs are the last maps of every resolution. "),
        ({"num_classes": 0, "pooling": None}, "Its output is the last map. "),
        ({"num_classes": 0, "pooling": "max"}, "Its output is the last map, reduced to the maximum over all positions. "),
        ({"num_classes": 1}, " and classified by sigmoid. "),
        ({"classifier_activation": None}, " and give logits. "),
        ({"dropout": 0.5}, "Dropout (Srivastava 2014) is applied before the classifier at a rate of 0.5. "),
        ({"dropout": [0.5, 0.0]}, "Dropout (Srivastava 2014) is applied before the classifier at a rate of 0.5 and 0. "),
        ({"weights": "imagenet"}, "It starts from weights trained on ImageNet, those of keras.applications. "),
        ({"weights": "mine.keras"}, "It starts from the weights in mine.keras. "),
        ({"num_classes": 0}, "For inputs of 64 x 64 x 3 it has 7 parameters (kzoo 0, configuration "),
        ({"input_shape": (None, 16, 3)}, "For inputs of any x 16 x 3 and 10 output channels it has 7 parameters"),
        ({"blocks": [1, 1], "filters": [4, 8]}, "with 4 and 8 filters and 1 residual block per stage. "),
    ],
)
def test_heads_weights_and_sizes(arguments, part):
    assert part in text_of(**arguments)


def test_families_of_other_arguments():
    """Facts by common names, and long values left out."""
    dense = list(families._facts(FAMILIES["densenet"], {"growth": 32, "blocks": [6, 12]}))
    assert dense == ["6 and 12 layers per stage", "a growth of 32 maps per layer"]
    squeezenet = list(families._facts(FAMILIES["squeezenet"], {"filters": 128, "blocks": [3, 4]}))
    nin = families._facts(FAMILIES["nin"], {"filters": [[192, 160], [96]]})
    assert list(nin) == ["192-160 and 96 filters"]
    assert squeezenet == ["128 filters at first", "3 and 4 fire modules per stage"]
    assert families._departure("width", 0.5) == "all filters multiplied by 0.5"
    assert families._departure("modules", [[[64] * 6] * 2] * 3) == "modules of its own"
    assert families._departure("auxiliary_heads", True) == "auxiliary_heads=True"
    assert families._departure("patch_size", [[4, 4], [2, 2]]) == "patch_size=((4, 4), (2, 2))"


def test_a_builder_of_ones_own_is_called_by_its_name(monkeypatch):
    monkeypatch.setitem(BUILDERS._functions, "mine", BUILDERS["vgg"])
    text = text_of("mine", filters=8, blocks=[2, 3])
    assert text.startswith("We used a 2-D mine with 8 filters at first and 2 and 3 blocks per stage. It has no normalization")


def test_a_unet_with_a_classifier_as_encoder():
    model = build_unet(**{**SMALL, "filters": 64}, encoder={"builder": "vgg", "filters": 4, "blocks": [1, 2]}, normalization="batch")
    text, *works = describe(model).methods.splitlines()
    for part in (
        "2-D U-Net (Ronneberger 2015) whose contracting path is a VGG network (Simonyan 2015) with 4 and 8 filters and 1 and 2",
        "The encoder has no normalization and the activation relu.",
        "The decoder has 16 filters in its last stage, doubled towards the encoder, and 2 convolutions of size 3 per stage.",
        "Convolutions of the decoder are followed by batch normalization (Ioffe 2015) and the activation relu.",
    ):
        assert part in text
    assert "of depth" not in text
    assert works[1].startswith("Simonyan 2015: ")
    pretrained = {"builder": "unet", **SMALL, "encoder": {"preset": "vgg16", "weights": "imagenet"}, "decoder_filters": [4, 8]}
    text = paragraph(described(pretrained))
    assert "The encoder starts from weights trained on ImageNet, those of keras.applications. The decoder has 4 and 8 filters" in text


def test_a_built_classifier_says_so_itself():
    model = build_vgg(**SMALL, blocks=[1, 1], dense=[])
    text = describe(model).methods
    assert f"it has {model.count_params():,} parameters" in text
    assert text.splitlines()[0].endswith(f"configuration {describe(model).hash}).")
