"""Named places where a test may kill the process as a power cut would.

FACTOLAKE_CRASH is `name` (first pass) or `name:N` (N-th pass, from 1); unset, a crash point is one comparison with None.
"""

import os
import signal
import sys


def _armed(text: str) -> tuple[str | None, int]:
    name, _, passes = text.partition(":")
    if passes and not (passes.isdecimal() and int(passes) > 0):
        raise ValueError(f"FACTOLAKE_CRASH is {text!r}; allowed: NAME or NAME:N with N >= 1")
    return name or None, int(passes or 1)


_name, _left = _armed(os.environ.get("FACTOLAKE_CRASH", ""))


def arm(text: str) -> None:
    """Arm a point in this process as FACTOLAKE_CRASH would have; "" disarms. For processes that were forked. Raises ValueError for another form."""
    global _name, _left
    _name, _left = _armed(text)


def crash_point(name: str) -> None:
    """Kill the own process with SIGKILL when `name` is the armed point and this is its armed pass."""
    global _left
    if _name is None or name != _name:
        return
    _left -= 1
    if _left == 0:
        sys.stderr.write(f"crash point {name}\n")
        sys.stderr.flush()
        os.kill(os.getpid(), signal.SIGKILL)
