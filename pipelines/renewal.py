"""A part that grew too large starts itself anew, in the same process: same id, same standard streams, nothing left of the old memory.

The engine inside the refinery keeps a few MiB of every pass on tables that change (measured: 5 MiB, neither Python's nor Arrow's), so that
a long life needs this. Everything the part holds lies in tables and files; between two passes there is nothing else to lose.
"""

import os
import sys
from collections.abc import Callable

import structlog

log = structlog.get_logger(__name__)


def outgrown(limit_mib: int) -> Callable[[], bool]:
    """A question: does this process hold more than `limit_mib` of memory (resident)?"""
    import psutil

    process = psutil.Process()

    def is_outgrown() -> bool:
        held_mib: int = process.memory_info().rss >> 20
        if held_mib > limit_mib:
            log.info("starting anew to give memory back", held_mib=held_mib, limit_mib=limit_mib)
        return held_mib > limit_mib

    return is_outgrown


def renew() -> None:
    """Replace this process by a fresh start of its own command line; does not return."""
    sys.stdout.flush()
    sys.stderr.flush()
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])
