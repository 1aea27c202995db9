"""Numbers, sizes and names as words for people."""

from collections.abc import Iterable, Sequence

from .layers import ReceptiveField


def short(number: int | None) -> str:
    """A count in thousands, millions or billions.

    >>> short(192367558656), short(None)
    ('192.37 G', '?')
    """
    if number is None:
        return "?"
    for unit, size in (("G", 10**9), ("M", 10**6), ("k", 10**3)):
        if number >= size:
            return f"{number / size:,.2f} {unit}"
    return str(number)


def binary(number: int | None) -> str:
    """Bytes for people.

    >>> binary(3 * 2**20)
    '3.0 MiB'
    """
    if number is None:
        return "?"
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if number >= size:
            return f"{number / size:,.1f} {unit}"
    return f"{number} B"


def sizes(shape: Sequence[int | None]) -> str:
    return " x ".join("?" if size is None else str(size) for size in shape)


def field_text(field: ReceptiveField | None) -> str:
    """`188 to 204`, per axis where axes differ."""
    if field is None:
        return "?"
    ranges = [str(a) if a == b else f"{a} to {b}" for a, b in zip(field.smallest, field.largest, strict=True)]
    return one(ranges) + (" *" if field.is_global else "")


def stride_text(field: ReceptiveField | None) -> str:
    return "?" if field is None else one(f"{stride:g}" for stride in field.stride)


def one(values: Iterable, between: str = " x ") -> str:
    """One value where all axes are alike, else all of them.

    >>> one([3, 3]), one([3, 5])
    ('3', '3 x 5')
    """
    found = [str(value) for value in values]
    return found[0] if len(set(found)) == 1 else between.join(found) or "-"


def listed(names: Iterable[str], most: int = 8) -> str:
    """Names for a sentence, each once, the rest counted.

    >>> listed(["a", "b", "a"]), listed("abcd", most=2)
    ('a, b', 'a, b and 2 more')
    """
    found = list(dict.fromkeys(names))
    rest = f" and {len(found) - most} more" if len(found) > most else ""
    return ", ".join(found[:most]) + rest
