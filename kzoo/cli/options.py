"""What is written after options, as values; what is wrong in it is told with the option's name."""

from pathlib import Path

from ..errors import InputError


def read_settings(settings: list[str]) -> dict:
    """`model.filters=32` as path and value; what kind of value it is, the setting decides."""
    from ..schema import Written

    overrides = {}
    for setting in settings:
        path, equals, value = setting.partition("=")
        if not equals or not path:
            raise InputError(f"--set: expected PATH=VALUE, as in model.filters=32. Received: {setting}.")
        overrides[path] = Written(value)
    return overrides


def read_numbers(option: str, text: str | None) -> list | None:
    """`512,512,1` as numbers; `none` stands for a size that is not fixed."""
    if text is None:
        return None
    try:
        return [None if word.strip().lower() in ("none", "null") else int(word) for word in text.replace("x", ",").split(",")]
    except ValueError as error:
        raise InputError(f"{option}: expected whole numbers with commas between them, as in 512,512,1. Received: {text}.") from error


def check_folder(option: str, file: Path) -> None:
    if not file.parent.is_dir():
        raise InputError(f"{option}: expected a file in a folder that exists. Received: {file}.")
