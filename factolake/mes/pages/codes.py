"""Two-dimensional codes of labels as SVG paths: QR for every text, DataMatrix for what it can hold. One module is 1 x 1. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import segno
from ppf.datamatrix import DataMatrix

QR_QUIET, DATAMATRIX_QUIET = 4, 2
"""Modules of white around a code; ISO/IEC 16022 asks for one, printers bleed."""


@dataclass(frozen=True, slots=True)
class Code:
    """A code of `size` x `size` modules with its quiet zone; `path`, stroked one module wide, is the dark ones."""

    text: str
    path: str
    size: int


def qr(text: str) -> Code:
    """The text as a QR code that still reads with 15 % of it lost. Raises ValueError for an empty text or one above 2,300 bytes."""
    if not text:
        raise ValueError("a code of no text says nothing; give the id")
    try:
        made = segno.make(text, micro=False, error="m", boost_error=False, encoding=None if text.isascii() else "utf-8")
    except segno.DataOverflowError as error:
        raise ValueError(f"{len(text)} characters do not fit into a QR code; shorten the id") from error
    return _code(text, made.matrix, QR_QUIET)


def datamatrix(text: str) -> Code | None:
    """The text as a DataMatrix; None for one with characters beyond ASCII, which scanners read differently from each other, or too long a one."""
    if not text or not text.isascii():
        return None
    try:
        return _code(text, DataMatrix(text).matrix, DATAMATRIX_QUIET)
    except ValueError:
        return None


def _code(text: str, rows: Sequence[Iterable[int]], quiet: int) -> Code:
    """Dark modules as one path, a line for each run of them: half as long as boxes would be."""
    path = []
    for y, row in enumerate(rows):
        run = 0
        for x, is_dark in enumerate((*row, 0)):
            if is_dark:
                run += 1
            elif run:
                path.append(f"M{x - run + quiet} {y + quiet}.5h{run}")
                run = 0
    return Code(text, "".join(path), len(rows) + 2 * quiet)
