"""Functions in machine code, made at first use and kept on disk for the processes after.

numba keeps the code of each function and looks at that function's own file alone: a caller that took in a function of another file keeps the old one
when that file changes. So all code is kept in a folder named after the sources of all engines, and one change of them makes it anew.
"""

import hashlib
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar, cast

import numba

Kernel = TypeVar("Kernel", bound=Callable[..., Any])
_PREFIX = "code-"
_config: Any = numba.config


def compiled(function: Kernel) -> Kernel:
    """The function in machine code. Arrays, records and numbers only."""
    return cast(Kernel, numba.njit(cache=True)(function))


def inlined(function: Kernel) -> Kernel:
    """The function taken into each caller whole: for what the compiler would not take in by itself."""
    return cast(Kernel, numba.njit(inline="always")(function))


def folder_for(engines: Path) -> Path:
    """Where the code of the sources below `engines` is kept, as they are now; that of others before them is taken away."""
    sources = hashlib.sha256()
    for file in sorted(engines.rglob("*.py")):
        sources.update(file.read_bytes())
    folder = engines / "__pycache__" / f"{_PREFIX}{sources.hexdigest()[:16]}"
    for other in folder.parent.glob(f"{_PREFIX}*"):
        if other != folder:
            shutil.rmtree(other, ignore_errors=True)
    return folder


def _keep_code() -> None:
    if _config.CACHE_DIR:
        return  # somebody has chosen a place
    folder = folder_for(Path(__file__).parent)
    with suppress(OSError):  # read-only installation: numba finds a place of the user's
        folder.mkdir(parents=True, exist_ok=True)
        _config.CACHE_DIR = str(folder)


_keep_code()
