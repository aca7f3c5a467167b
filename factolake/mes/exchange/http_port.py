"""HTTP out: one POST, and confirmations to an ERP that way, each with the header Idempotency-Key."""

import json
import urllib.request
from dataclasses import dataclass, field
from http.client import HTTPException
from typing import Any
from urllib.error import HTTPError
from urllib.parse import urlsplit

from factolake.mes.exchange.ports import Accepted, Message, Refused, SendResult, Unavailable

_REFUSALS = frozenset({400, 404, 409, 410, 413, 415, 422})
_ANSWER_BYTES_MAX = 65_536


@dataclass(frozen=True, slots=True)
class HttpAnswer:
    """Status, its words, and the first 64 KiB of what was said."""

    status: int
    reason: str
    body: bytes


def post(url: str, body: bytes, headers: dict[str, str], timeout_s: float) -> HttpAnswer | str:
    """POST `body`; the answer, whatever its status, or why there is none. Redirects are answers: following one would tell somebody else."""
    request = urllib.request.Request(url, body, headers, method="POST")
    try:
        with _OPENER.open(request, timeout=timeout_s) as answer:
            return HttpAnswer(answer.status, answer.reason, answer.read(_ANSWER_BYTES_MAX))
    except HTTPError as error:
        with error:
            return HttpAnswer(error.code, str(error.reason), _read(error))
    except (OSError, HTTPException) as error:
        return f"{url} does not answer: {error}"


@dataclass(frozen=True, slots=True)
class HttpErp:
    """An ERP's address for confirmations.

    A 2xx answer accepts, with the ERP's number in `document`; 400, 404, 409, 410, 413, 415 and 422 refuse, with `field` and `message`, all as JSON.
    Any other answer, and none within `timeout_s`, means later. `token` goes in the header Authorization.
    """

    source_system: str
    url: str
    timeout_s: float = 10.0
    token: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        if urlsplit(self.url).scheme not in ("http", "https"):
            raise ValueError(f"the ERP's address is {self.url!r}; it begins with http:// or https://")

    def send(self, message: Message) -> SendResult:
        """Hand over one confirmation."""
        headers = {"Content-Type": "application/json", "Idempotency-Key": message.key}
        if self.token:
            headers["Authorization"] = f"Bearer {self.token}"
        answer = post(self.url, json.dumps(message.body).encode(), headers, self.timeout_s)
        if isinstance(answer, str):
            return Unavailable(answer)
        said = _said(answer.body)
        if 200 <= answer.status < 300:
            return Accepted(str(said.get("document") or "")[:64])
        words = f"the ERP answers {answer.status} {answer.reason}"
        if answer.status not in _REFUSALS:
            return Unavailable(words)
        return Refused(str(said.get("field") or ""), str(said.get("message") or said.get("detail") or words))


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """Follows none."""

    def redirect_request(self, *_: Any) -> None:
        """Never."""


_OPENER = urllib.request.build_opener(_NoRedirect, urllib.request.ProxyHandler({}))


def _read(error: HTTPError) -> bytes:
    """What was said with a refusal; nothing where that breaks off, since the status alone counts then."""
    try:
        return error.read(_ANSWER_BYTES_MAX)
    except (OSError, HTTPException):
        return b""


def _said(body: bytes) -> dict[str, Any]:
    """The answer's JSON object; empty where it is none: the status alone counts then."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
