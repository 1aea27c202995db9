"""Figures on disk: vector formats whose text stays text."""

from pathlib import Path
from typing import TYPE_CHECKING

from ...errors import InputError, one_line

if TYPE_CHECKING:
    from matplotlib.figure import Figure

FORMATS = (".svg", ".pdf", ".png")


def check_file(file: str | Path) -> Path:
    """The path, if a figure can be written to a file of that name."""
    path = Path(file)
    if path.suffix.lower() not in FORMATS:
        raise InputError(f"{file}: expected a file that ends in {', '.join(FORMATS)}. Received: {path.suffix or 'no ending'}.")
    return path


def save_figure(figure: "Figure", file: str | Path) -> Path:
    """Writes a figure as SVG or PDF, with text as text, or as PNG of 200 dots per inch.

    Raises:
        InputError: the name has another ending, or the file cannot be written.
    """
    import matplotlib

    path = check_file(file)
    try:
        with matplotlib.rc_context({"svg.fonttype": "none", "svg.hashsalt": "kzoo", "pdf.fonttype": 42}):
            metadata = {} if path.suffix.lower() == ".png" else {"Date": None} if path.suffix.lower() == ".svg" else {"CreationDate": None}
            figure.savefig(path, dpi=200, metadata=metadata)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({one_line(error)}).") from error
    return path
