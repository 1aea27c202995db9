"""The classifiers in words: what a family is called, whose it is, and by what a network departs from the published one."""

from collections.abc import Iterator, Mapping
from typing import Any, NamedTuple

from ..layers import blocks as b
from ..schema import defaults
from .identity import canonical, plain
from .places import ROOM
from .presets import PRESETS
from .registry import BUILDERS
from .weights import bare
from .wording import PHRASES, activation, hidden, listed, normalization, per_stage, pooled
from .works import WORKS


class Family(NamedTuple):
    """What a builder builds.

    Attributes:
        name: in a sentence.
        work: where it was published.
        unit: what `blocks` counts.
        doubles: whether an int for `filters` is the first stage's, and doubles from stage to stage.
        dropout: where `dropout` is, in a network without hidden dense layers.
    """

    name: str
    work: str
    unit: str = "blocks"
    doubles: bool = False
    dropout: str = "before the classifier"


FAMILIES = {
    "alexnet": Family("AlexNet", "Krizhevsky 2012"),
    "convnext": Family("ConvNeXt", "Liu 2022", doubles=True),
    "densenet": Family("DenseNet", "Huang 2017", "layers"),
    "googlenet": Family("GoogLeNet", "Szegedy 2015"),
    "inception_v3": Family("Inception v3", "Szegedy 2016", "modules"),
    "lenet": Family("LeNet", "LeCun 1998"),
    "mobilenet": Family("MobileNet", "Howard 2017"),
    "mobilenet_v2": Family("MobileNet v2", "Sandler 2018", "inverted residual blocks"),
    "nin": Family("network in network", "Lin 2014", dropout="behind the poolings"),
    "resnet": Family("residual network", "He 2016a", "residual blocks", doubles=True),
    "shufflenet_v2": Family("ShuffleNet v2", "Ma 2018", "units", doubles=True),
    "squeezenet": Family("SqueezeNet", "Iandola 2016", "fire modules"),
    "vgg": Family("VGG network", "Simonyan 2015", "convolutions", doubles=True),
    "xception": Family("Xception", "Chollet 2017", "modules"),
    "zfnet": Family("ZFNet", "Zeiler 2014"),
}
"""The families by builder. One that is not here is called by its builder's name."""

_SAID = {
    *("input_shape", "num_classes", "filters", "blocks", "growth", "dense", "downsampling", "activation", "normalization", "pooling"),
    *("dropout", "classifier_activation", "small_input", "features_only", "weights", "name"),
}
"""Arguments that have sentences of their own; all others are named where they are not as published."""

_CHOICES = {
    ("block_order", "norm-act-conv"): "norm and activation before each convolution [He 2016b]",
    ("stem", "deep"): "a stem of three convolutions [He 2019]",
    ("shortcut", "D"): "shortcuts that average before they project [He 2019]",
}
_AMOUNTS = {
    "cardinality": "convolutions in {} groups [Xie 2017]",
    "se_reduction": "squeeze and excitation with a reduction of {} [Hu 2018]",
    "stochastic_depth": "stochastic depth at rates of up to {} [Huang 2016]",
    "block_dropout": "dropout at a rate of {} inside the blocks [Srivastava 2014]",
    "kernel_size": "kernels of size {}",
    "width": "all filters multiplied by {}",
}
"""Choices and amounts with more words than `name=value`."""

_LONGEST = 60


def kind(builder: str, values: Mapping[str, Any]) -> str:
    """`residual network [He 2016a] with 64, 128, 256 and 512 filters and 3, 4, 6 and 3 residual blocks per stage`."""
    family = FAMILIES.get(builder)
    name = f"{family.name} [{family.work}]" if family else builder
    facts = list(_facts(family or Family(builder, ""), values))
    return f"{name} with {' and '.join(facts)}" if facts else name


def preset(builder: str, values: Mapping[str, Any]) -> str:
    """`, kzoo's preset wrn_28_10 [Zagoruyko 2016]`, if the network is one but for its size, head and regularization; else nothing.

    A work is cited unless it is the family's.
    """
    own = bare(builder, values)
    found = [each for each in PRESETS.values() if each.builder == builder and bare(builder, each.arguments) == own]
    for each in sorted(found, key=lambda each: (each.name != values["name"], each.name))[:1]:
        work = _work(each.paper, each.year)
        cited = f" [{work}]" if work not in (None, getattr(FAMILIES.get(builder), "work", None)) else ""
        return f", kzoo's preset {each.name}{cited}"
    return ""


def _work(paper: str, year: int) -> str | None:
    """The key of a paper: by its title, or by its first author and year."""
    named = next((key for key, work in WORKS.items() if work.startswith(paper)), None)
    surname = f"{paper.split()[0].strip(',')} {year}"
    return named or (surname if surname in WORKS else None)


def details(builder: str, values: Mapping[str, Any], it: str = "It") -> Iterator[str]:
    """Sentences of what may differ from the published network."""
    departures = list(_departures(builder, values))
    if departures:
        yield f"{it} departs from the builder's defaults by {listed(departures)}."
    norm = normalization(values["normalization"]) or "no normalization"
    yield f"{it} has {norm} and the activation {activation(values['activation'])}."
    if values["downsampling"] is not None:
        yield f"In place of each stride stands {PHRASES['downsampling'][values['downsampling']]}."
    if values["small_input"]:
        yield f"{it} is adapted to small inputs: the earliest strides are 1 where a stage would have fewer than {ROOM} positions."


def head(builder: str, values: Mapping[str, Any]) -> Iterator[str]:
    """Sentences of what follows the last map."""
    if values["features_only"]:
        yield "Its outputs are the last maps of every resolution."
        return
    if values["num_classes"] == 0:
        reduced = "" if values["pooling"] is None else f", {pooled(values['pooling'])}"
        yield f"Its output is the last map{reduced}."
        return
    found = b.head_activation(values["classifier_activation"], values["num_classes"])
    layers = values.get("dense")
    classified = f"{'are ' if layers else ''}classified by {found}" if found else "give logits"
    yield f"The last maps are {pooled(values['pooling'])}{hidden(layers)} and {classified}."
    rates = per_stage(values["dropout"])
    if rates != "0":
        place = "behind each hidden dense layer" if layers else FAMILIES.get(builder, Family("", "")).dropout
        yield f"Dropout [Srivastava 2014] is applied {place} at a rate of {rates}."


def _facts(family: Family, values: Mapping[str, Any]) -> Iterator[str]:
    filters, blocks, growth = (values.get(name) for name in ("filters", "blocks", "growth"))
    if isinstance(filters, int):
        several = len(blocks) if family.doubles and isinstance(blocks, list) else 0
        yield f"{listed([filters * 2**n for n in range(several)])} filters" if several else f"{filters} filters at first"
    elif filters is not None:
        yield f"{listed(['-'.join(map(str, width)) if isinstance(width, list) else width for width in filters])} filters"
    if blocks is not None:
        yield f"{per_stage(blocks)} {family.unit if per_stage(blocks) != '1' else family.unit.removesuffix('s')} per stage"
    if growth is not None:
        yield f"a growth of {per_stage(growth)} maps per layer"


def _departures(builder: str, values: Mapping[str, Any]) -> Iterator[str]:
    """The other arguments that are not the builder's defaults."""
    function = BUILDERS[builder]
    published = canonical({name: plain(value) for name, value in defaults(function).items()}, function)
    for name, value in canonical(values, function).items():
        if name not in _SAID and value != published.get(name):
            yield _departure(name, values[name])


def _departure(name: str, value: Any) -> str:
    if isinstance(value, str) and (name, value) in _CHOICES:
        return _CHOICES[name, value]
    text = _text(value)
    if len(text) > _LONGEST:
        return f"{name} of its own"
    return _AMOUNTS[name].format(text) if name in _AMOUNTS and value else f"{name}={text}"


def _text(value: Any) -> str:
    """One number for all stages, or one per stage; else as Python writes it, without square brackets, which are for works."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        return f"{value:g}"
    if isinstance(value, list) and all(isinstance(inner, int | float) for inner in value):
        return per_stage(value)
    return str(value).translate(str.maketrans("[]", "()"))
