"""How often somebody may ask: a limit a person, never a station, which several people share. Counted in each server process."""

import hashlib
import math
import threading
from collections.abc import Callable

from django.http import HttpRequest
from ninja.throttling import BaseThrottle, SimpleRateThrottle

API_RATE = "200/s"
"""Of one person or program in one server process: far above what a page or an import asks, and still leaves the others their turn."""
SIGN_IN_RATE = "20/min"
"""Tries to sign in as one person: passwords are slow to check on purpose, so checking them is what has to be rare."""


class RateLimit(BaseThrottle):
    """At most `rate` requests of whom `ident` names; None is not counted."""

    def __init__(self, name: str, rate: str, ident: Callable[[HttpRequest], str | None]) -> None:
        self._name, self._rate, self._ident = name, rate, ident
        self._here = threading.local()

    def allow_request(self, request: HttpRequest) -> bool:
        """Count the request; False when it is one too many."""
        # The library's throttle keeps the request it looks at in itself; a new one a request, since threads share this object.
        self._here.current = _Counted(self._name, self._rate, self._ident(request))
        allowed: bool = self._here.current.allow_request(request)
        return allowed

    def wait(self) -> float | None:
        """Seconds until this thread's last request would have been allowed, at least one."""
        return float(max(1, math.ceil(self._here.current.wait() or 0)))


class _Counted(SimpleRateThrottle):
    def __init__(self, name: str, rate: str, ident: str | None) -> None:
        super().__init__(rate)
        self._cache_key = None if ident is None else f"{name}:{hashlib.sha256(ident.encode()).hexdigest()}"

    def get_cache_key(self, request: HttpRequest) -> str | None:
        """Whom it counts."""
        return self._cache_key
