"""FactoMES's API as whoever holds a token sees it: reading rows, proposing actions. No proxy, no redirect: the token goes to one address."""

import json
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlencode

from factolake.config import Settings
from factolake.errors import ConfigError, ModelRefused, SourceUnavailable

TIMEOUT_S = 20.0
MOST_BYTES = 8 << 20
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class FactoMes:
    """One FactoMES at `address`, asked with `token`."""

    address: str
    token: str = field(repr=False)

    def rows(self, collection: str, **filters: object) -> list[Answer]:
        """Up to 500 rows. Raises SourceUnavailable, ConfigError, ModelRefused."""
        found: list[Answer] = self._said("GET", f"/{collection}?{urlencode({**filters, 'limit': 500})}")["items"]
        return found

    def propose(self, action: str, payload: Mapping[str, object], evidence: Mapping[str, object], reason: str, expires_ts: str) -> Answer:
        """Propose an action; the proposal. Raises SourceUnavailable, ConfigError, ModelRefused."""
        asked = {"action": action, "payload": payload, "evidence": evidence, "reason": reason, "expires_ts": expires_ts}
        return self._said("POST", "/proposals", json.dumps(asked).encode())

    def _said(self, method: str, path: str, body: bytes | None = None) -> Answer:
        headers = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        request = urllib.request.Request(f"{self.address}/api/v1{path}", body, headers, method=method)
        try:
            with _OPENER.open(request, timeout=TIMEOUT_S) as answer:
                return _object(answer.read(MOST_BYTES), self.address)
        except HTTPError as error:
            with error:
                raise self._refusal(error, f"{method} {path.partition('?')[0]}") from error
        except (OSError, HTTPException) as error:
            raise SourceUnavailable(f"FactoMES at {self.address} does not answer: {error}; is it started (`factolake mes up`)?") from error

    def _refusal(self, error: HTTPError, what: str) -> Exception:
        said = _detail(error)
        if error.code in _LATER:
            return SourceUnavailable(f"FactoMES at {self.address} answers {error.code} to {what}: {said}")
        if error.code == 401:
            return ConfigError("settings", "promotion.token_file", "one that FactoMES does not know", "a token made for you on its page People")
        return ModelRefused(f"FactoMES at {self.address} refuses {what} with {error.code}: {said}")


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows none."""

    def redirect_request(self, *_: Any) -> None:
        """Never."""


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def factomes_of(settings: Settings) -> FactoMes:
    """As the settings name it. Raises ConfigError."""
    file = settings.promotion.token_file
    if file is None:
        raise ConfigError("settings", "promotion.token_file", None, "a file with a token of FactoMES, made for you on its page People")
    try:
        token = file.read_text(encoding="ascii").strip()
    except (OSError, ValueError) as cause:
        raise ConfigError("settings", "promotion.token_file", str(file), f"a file with a token of FactoMES ({type(cause).__name__})") from cause
    scheme = "http" if settings.mes.certificate is None else "https"
    return FactoMes(settings.promotion.address or f"{scheme}://127.0.0.1:{settings.ports.mes}", token)


def _detail(error: HTTPError) -> str:
    try:
        return str(json.loads(error.read(65_536))["detail"])[:500]
    except (OSError, HTTPException, ValueError, KeyError, TypeError, RecursionError):
        return str(error.reason)[:200]


def _object(body: bytes, address: str) -> Answer:
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, dict):
        raise ConfigError("settings", "promotion.address", address, "the address of a FactoMES; what answers there speaks no JSON")
    return found
