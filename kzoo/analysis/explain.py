"""The ledger of a difference: by which weights two networks differ in their number of parameters."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial
from itertools import zip_longest
from math import prod
from textwrap import wrap
from typing import Any

import keras
from keras import layers

from ..models import BUILDERS, Description, configuration, describe
from ..models.identity import differences, is_described
from .biases import CONVOLUTIONS, redundant_biases
from .graph import trace
from .layers import ReceptiveField
from .profile import profile
from .words import field_text

KINDS = (
    "convolution kernels",
    "dense kernels",
    "redundant biases",
    "other biases",
    "norm scales and offsets",
    "norm statistics",
    "other",
)

_NORMS = (
    *(layers.BatchNormalization, layers.GroupNormalization, layers.LayerNormalization, layers.Normalization),
    getattr(layers, "RMSNormalization", layers.LayerNormalization),  # Keras 3.8 has none yet.
)
_STATISTICS = ("moving_mean", "moving_variance", "adapt_mean", "adapt_variance", "count")

_WIDTH, _MARGIN = 100, 26
"""Columns of the text, and those before its values."""


@dataclass(frozen=True)
class Account:
    """The parameters of one network by kind.

    Attributes:
        name: of the network.
        kinds: parameters per kind, see `kzoo.analysis.explain.KINDS`. Redundant biases are those of convolutions and dense layers that a
            following norm makes useless; norm statistics are moving means and variances.
        macs: for one sample; None where the input size is not fixed.
        receptive_field: of the first output; None where it is not known.
    """

    name: str
    kinds: Mapping[str, int]
    macs: int | None
    receptive_field: ReceptiveField | None

    @property
    def total(self) -> int:
        """All parameters, as Keras counts."""
        return sum(self.kinds.values())

    @property
    def needed(self) -> int:
        """Parameters without norm statistics and redundant biases."""
        return self.total - self.kinds["norm statistics"] - self.kinds["redundant biases"]

    @property
    def identity(self) -> str:
        """`25,636,712 = 25,557,032 + 53,120 norm statistics + 26,560 redundant biases`."""
        apart = (f"{self.kinds[kind]:,} {kind}" for kind in ("norm statistics", "redundant biases"))
        return f"{self.total:,} = {' + '.join((f'{self.needed:,}', *apart))}"


@dataclass(frozen=True)
class Ledger:
    """What `explain` returns; as text, a table for people.

    Attributes:
        a, b: the two networks.
        arguments: of their builders, those that differ, with a's value and b's; None where a network does not say what it was built from.
    """

    a: Account
    b: Account
    arguments: Mapping[str, tuple[Any, Any]] | None

    @property
    def difference(self) -> int:
        """Parameters that a has beyond those of b."""
        return self.a.total - self.b.total

    @property
    def rows(self) -> dict[str, int]:
        """The difference by kind; the sum of them is the difference."""
        return {kind: self.a.kinds[kind] - self.b.kinds[kind] for kind in KINDS}

    def __str__(self) -> str:
        return "\n".join(_lines(self))


def explain(
    a: str | Description | Mapping[str, Any] | keras.Model,
    b: str | Description | Mapping[str, Any] | keras.Model,
) -> Ledger:
    """Says by what the parameters of two networks differ, to the last one.

    Args:
        a, b: the name of a preset, a description, a mapping with `builder` and its arguments, or a functional `keras.Model`.

    Returns:
        A `Ledger`; print it.

    Raises:
        ArgumentError: a configuration that cannot be built, or a model without a graph.

    >>> import kzoo
    >>> plain = {"builder": "vgg", "name": "plain", "input_shape": (32, 32, 3), "num_classes": 10, "filters": 8, "dense": [64]}
    >>> ledger = kzoo.explain({**plain, "name": "torch", "normalization": "batch", "bias": "always"}, plain)
    >>> ledger.difference, ledger.rows["redundant biases"]
    (2880, 720)
    >>> print(ledger)
    torch 500,594 = plain 497,714 + 2,880 parameters
    <BLANKLINE>
                                           torch             plain        difference
    convolution kernels                  488,088           488,088                 0
    dense kernels                          8,832             8,832                 0
    redundant biases                         720                 0              +720
    other biases                              74               794              -720
    norm scales and offsets                1,440                 0            +1,440
    norm statistics                        1,440                 0            +1,440
    total                                500,594           497,714            +2,880
    MACs                               6,128,256         6,128,256                 0
    receptive field                          212               212
    <BLANKLINE>
    torch: 500,594 = 498,434 + 1,440 norm statistics + 720 redundant biases
    plain: 497,714 = 497,714 + 0 norm statistics + 0 redundant biases
    <BLANKLINE>
    arguments                 torch | plain
    bias                      always | auto
    normalization             batch | none
    """
    first, second = (_account(given) for given in (a, b))
    known = None if first[1] is None or second[1] is None else differences(first[1], second[1])
    return Ledger(first[0], second[0], known)


def _account(given: Any) -> tuple[Account, Description | None]:
    """A network's parameters by kind, and what it was built from if it says so; the network itself is not kept."""
    if not isinstance(given, keras.Model):
        builder, arguments = configuration(given)
        given = BUILDERS[builder](**{**arguments, "weights": None} if "weights" in arguments else arguments)
    found = profile(given)
    account = Account(str(given.name), _kinds(given), found.macs, found.receptive_field)
    return account, describe(given) if is_described(given) else None


def _kinds(model: keras.Model) -> dict[str, int]:
    graph = trace(model)
    redundant = {id(bias) for bias in redundant_biases(graph)}
    found = dict.fromkeys(KINDS, 0)
    counted: set[int] = set()
    for layer in (call.layer for call in graph.calls):
        for weight in getattr(layer, "weights", ()):
            if id(weight) not in counted:
                counted.add(id(weight))
                found["redundant biases" if id(weight) in redundant else _kind(layer, weight)] += prod(weight.shape)
    return found


def _kind(layer: keras.layers.Layer, weight: Any) -> str:
    if isinstance(layer, _NORMS):
        return "norm statistics" if any(weight is getattr(layer, name, None) for name in _STATISTICS) else "norm scales and offsets"
    if not isinstance(layer, (*CONVOLUTIONS, layers.Dense, layers.EinsumDense)):
        return "other"
    if weight is layer.bias:
        return "other biases"
    return "convolution kernels" if isinstance(layer, CONVOLUTIONS) else "dense kernels"


def _lines(ledger: Ledger) -> Iterator[str]:
    yield from _table(ledger)
    yield ""
    names = _names(ledger)
    yield from (f"{name}: {account.identity}" for name, account in zip(names, (ledger.a, ledger.b), strict=True))
    yield ""
    yield from _arguments(ledger.arguments, names)


def _table(ledger: Ledger) -> Iterator[str]:
    a, b, more = ledger.a, ledger.b, ledger.difference
    names = _names(ledger)
    yield f"{names[0]} {a.total:,} = {names[1]} {b.total:,} {'-' if more < 0 else '+'} {abs(more):,} parameters"
    yield ""
    row = partial(_row, width=2 + max(16, *map(len, names)))
    yield row("", *names, "difference")
    for kind, difference in ledger.rows.items():
        if a.kinds[kind] or b.kinds[kind]:
            yield row(kind, f"{a.kinds[kind]:,}", f"{b.kinds[kind]:,}", _signed(difference))
    yield row("total", f"{a.total:,}", f"{b.total:,}", _signed(more))
    yield row("MACs", _count(a.macs), _count(b.macs), "" if a.macs is None or b.macs is None else _signed(a.macs - b.macs))
    yield row("receptive field", *(field_text(account.receptive_field).removesuffix(" *") for account in (a, b)))


def _arguments(differing: Mapping[str, tuple[Any, Any]] | None, names: tuple[str, str]) -> Iterator[str]:
    if not differing:
        yield "no arguments differ" if differing is not None else "arguments: known only of networks that kzoo has built"
        return
    yield f"{'arguments':<{_MARGIN}}{names[0]} | {names[1]}"
    for name, (a, b) in differing.items():
        values = wrap(f"{a} | {b}", _WIDTH - _MARGIN)
        yield from (f"{head:<{_MARGIN}}{line}" for head, line in zip_longest([name], values, fillvalue=""))


def _names(ledger: Ledger) -> tuple[str, str]:
    """Two short names that differ."""
    a, b = (name if len(name) <= 18 else f"{name[:15]}..." for name in (ledger.a.name, ledger.b.name))
    return (a, b) if a != b else (f"{a} (a)", f"{b} (b)")


def _row(head: str, *cells: str, width: int) -> str:
    return f"{head:<{_MARGIN}}{''.join(f'{cell:>{width}}' for cell in cells)}".rstrip()


def _count(number: int | None) -> str:
    return "not known" if number is None else f"{number:,}"


def _signed(number: int) -> str:
    return f"{number:+,}" if number else "0"
