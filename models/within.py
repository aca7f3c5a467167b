"""A time limit for a piece of Python: `within`. It holds in the main thread alone, and only between two steps of Python.

Native code that never comes back is not ended by it; for that there are processes of their own, in `models.walled`.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

AGAIN_S = 1.0
"""It rings so often until the block has ended: in a callback of native code an error is lost."""


class TookTooLong(TimeoutError):
    """A piece of work was broken off when its time was over."""


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Raise TookTooLong in the block when it has taken so long; a limit around it still rings.

    In other threads than the main one nothing is limited.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    is_over = False

    def ring(number: int, frame: FrameType | None) -> None:
        if not is_over:
            raise TookTooLong(f"it had not ended after {seconds:g} s")

    before, began_s = signal.signal(signal.SIGALRM, ring), time.monotonic()
    around_s, _ = signal.setitimer(signal.ITIMER_REAL, seconds, AGAIN_S)
    try:
        try:
            yield
        finally:
            is_over = True
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, before)
        if around_s:
            signal.setitimer(signal.ITIMER_REAL, max(around_s - (time.monotonic() - began_s), 0.001))
