"""The commands that say and show what a network is; none of them trains."""

from pathlib import Path
from typing import Annotated

import typer

from ..errors import InputError
from .options import check_folder, read_numbers, read_settings
from .terminal import load_keras_quietly, print_table

Source = Annotated[str, typer.Argument(metavar="PRESET|BUILDER|RECIPE|FILE.keras", help="The network; nothing is trained.")]
Settings = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="NAME=VALUE", help="An argument of the builder, or a value of the recipe. Repeatable."),
]
InputShape = Annotated[
    str | None, typer.Option(metavar="SIZES", help="Sizes and channels of the input, as in 512,512,1; none for a size that is not fixed.")
]


def draw(
    source: Source,
    output: Annotated[str, typer.Option("--output", "-o", metavar="FIGURE", help="File to write: .svg, .pdf or .png.")],
    settings: Settings = None,
    input_shape: InputShape = None,
    detail: Annotated[str, typer.Option(help="layers, stages, or auto: layers where they fit on a page.")] = "auto",
    receptive_field: Annotated[bool, typer.Option("--receptive-field", help="Paint what one output pixel sees of an image.")] = False,
    position: Annotated[str | None, typer.Option(metavar="ROW,COLUMN", help="The output pixel; the middle unless given.")] = None,
    layer: Annotated[str | None, typer.Option(help="A pixel of this layer's output; of the network's unless given.")] = None,
    image: Annotated[str | None, typer.Option(metavar="FILE", help="The image to paint over.")] = None,
) -> None:
    """Draw a network as a figure: a U, or a strip for classifiers; or the receptive field of an output pixel."""
    for option, value in (("--position", position), ("--layer", layer), ("--image", image)):
        if value is not None and not receptive_field:
            raise InputError(f"{option}: expected together with --receptive-field. Add it, or leave this out.")
    if receptive_field and detail != "auto":
        raise InputError("--detail: expected without --receptive-field, which shows no layers. Leave it out.")
    load_keras_quietly()
    from ..analysis import drawing
    from ..training.named import named_model

    path = drawing.check_file(output)
    check_folder("--output", path)
    model = named_model(source, read_settings(settings or []), read_numbers("--input-shape", input_shape))
    if receptive_field:
        figure = drawing.draw_receptive_field(model, image, read_numbers("--position", position), layer=layer)
    else:
        figure = drawing.draw(model, detail=detail)  # type: ignore[arg-type]
    print(drawing.save_figure(figure, path))


def profile(
    source: Source,
    settings: Settings = None,
    input_shape: InputShape = None,
    batch_size: Annotated[int, typer.Option(help="Samples that MACs and memory are given for.")] = 1,
    precision: Annotated[str | None, typer.Option(help="A Keras dtype policy, such as mixed_float16, for memory.")] = None,
    optimizer: Annotated[str, typer.Option(metavar="NAME|SLOTS", help="adam, sgd, ..., or its values per trainable weight.")] = "adam",
    stages: Annotated[bool, typer.Option("--stages", help="One row per stage, as in the papers.")] = False,
    flops: Annotated[bool, typer.Option("--flops", help="Print FLOPs too, as 2 x MACs.")] = False,
    json: Annotated[Path | None, typer.Option(metavar="FILE", help="Write the profile as JSON.")] = None,
) -> None:
    """Say what a network costs and what it sees: parameters, MACs, memory, receptive field, legal sizes."""
    shape = read_numbers("--input-shape", input_shape)
    if json is not None:
        check_folder("--json", json)
    load_keras_quietly()
    from ..analysis import profile
    from ..training.named import SUFFIXES, named_model

    saved = source.endswith(SUFFIXES)
    model = named_model(source, read_settings(settings or []), None if saved else shape)
    slots = int(optimizer) if optimizer.isdigit() else optimizer
    found = profile(model, shape if saved else None, batch_size=batch_size, precision=precision, optimizer=slots)
    print_table(found.stage_table() if stages else found.table())
    print(found.summary(flops=flops))
    if json is not None:
        found.to_json(json)


def explain(
    a: Annotated[str, typer.Argument(metavar="A", help="A network: a preset, a builder, a recipe or a .keras file.")],
    b: Annotated[str, typer.Argument(metavar="B", help="Another one, likewise.")],
    settings: Settings = None,
    input_shape: InputShape = None,
) -> None:
    """Say by what the parameters of two networks differ, to the last one; settings hold for both."""
    load_keras_quietly()
    from ..analysis import explain
    from ..training.named import named_model

    first, second = (named_model(source, read_settings(settings or []), read_numbers("--input-shape", input_shape)) for source in (a, b))
    print(explain(first, second))


def presets(pattern: Annotated[str, typer.Argument(help="Only these, with * and ? as in file names; or a builder's.")] = "*") -> None:
    """List the networks that papers define, with their papers, parameters and MACs."""
    load_keras_quietly()
    from ..reports.presets import presets_table

    print_table(presets_table(pattern))
