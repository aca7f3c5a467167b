"""FactoMES over HTTP as the office sees it: its API with tokens, and the page on which the first administrator is named."""

import json
import re
import urllib.request
from collections.abc import Mapping
from http.client import HTTPException
from http.cookiejar import CookieJar, DefaultCookiePolicy
from urllib.error import HTTPError
from urllib.parse import urlencode

from factolake.errors import ConfigError, SourceUnavailable

TIMEOUT_S = 20.0
_LATER = frozenset({408, 425, 429, 500, 502, 503, 504})
_FORM_TOKEN = re.compile(r'name="csrfmiddlewaretoken" value="([^"]+)"')
CSRF_COOKIE = "__Host-factomes-csrf"
Answer = dict[str, object]


class Client:
    """One FactoMES at `url` on this machine, without a proxy."""

    def __init__(self, url: str) -> None:
        # The cookies are for HTTPS only; browsers take loopback for as safe, and so does this.
        self._cookies = CookieJar(DefaultCookiePolicy(secure_protocols=("https", "http")))
        no_proxy = urllib.request.ProxyHandler({})
        self._with_session = urllib.request.build_opener(no_proxy, urllib.request.HTTPCookieProcessor(self._cookies))
        self._without = urllib.request.build_opener(no_proxy)
        self._url = url

    def is_up(self) -> bool:
        """Whether it answers at all."""
        try:
            return self._send("GET", "/login")[0] < 500
        except SourceUnavailable:
            return False

    def enter(self, code: str, person_id: str, password: str) -> None:
        """Name the first administrator on the setup page, or sign in as the one there is. Raises ConfigError when that is refused."""
        page = self._send("GET", "/setup")[1]
        if 'name="code"' in page:
            said = {"code": code, "person_id": person_id, "name": person_id.title(), "password": password, "again": password}
            status, _ = self._submit("/setup", page, said)
        else:
            status, _ = self._submit("/login", page, {"username": person_id, "password": password})
        if status != 200:
            raise ConfigError("FactoMES", "administrator", person_id, f"one that its pages let in; they answered {status}")

    def _submit(self, path: str, page: str, fields: Mapping[str, str]) -> tuple[int, str]:
        found = _FORM_TOKEN.search(page)
        form = urlencode({**fields, "csrfmiddlewaretoken": found[1] if found else ""})
        headers = {"Content-Type": "application/x-www-form-urlencoded", "Referer": f"{self._url}{path}"}
        status, text = self._send("POST", path, form.encode(), headers)
        if status in _LATER:
            raise SourceUnavailable(f"FactoMES answers {status} to {path}")
        return status, text

    def ask(self, path: str, body: Mapping[str, object], key: str = "", token: str = "") -> tuple[int, Answer]:
        """POST to the API, with `token` or in the session of the setup page. Raises SourceUnavailable when it should be tried again."""
        headers = {"Content-Type": "application/json"}
        if key:
            headers["Idempotency-Key"] = key
        headers |= {"Authorization": f"Bearer {token}"} if token else {"X-CSRFToken": self._csrf(), "Referer": f"{self._url}/"}
        return self._api("POST", path, json.dumps(body).encode(), headers)

    def read(self, path: str, token: str) -> Answer:
        """GET from the API. Raises SourceUnavailable when it should be tried again, ConfigError when it is refused."""
        status, said = self._api("GET", path, None, {"Authorization": f"Bearer {token}"})
        if status != 200:
            raise ConfigError("FactoMES", path, status, f"200; it says: {said.get('detail')}")
        return said

    def _api(self, method: str, path: str, body: bytes | None, headers: dict[str, str]) -> tuple[int, Answer]:
        status, text = self._send(method, f"/api/v1{path}", body, headers)
        try:
            said = json.loads(text)
        except ValueError:
            said = {"detail": text[:200]}
        if status in _LATER:
            raise SourceUnavailable(f"FactoMES answers {status} to {method} {path}: {said.get('detail')}")
        return status, said

    def _send(self, method: str, path: str, body: bytes | None = None, headers: Mapping[str, str] | None = None) -> tuple[int, str]:
        request = urllib.request.Request(f"{self._url}{path}", body, dict(headers or {}), method=method)
        opener = self._without if "Authorization" in request.headers else self._with_session
        try:
            with opener.open(request, timeout=TIMEOUT_S) as answer:
                return int(answer.status), answer.read().decode("utf-8", "replace")
        except HTTPError as error:
            with error:
                return error.code, error.read().decode("utf-8", "replace")
        except (OSError, HTTPException) as error:
            raise SourceUnavailable(f"FactoMES at {self._url} does not answer: {error}") from error

    def _csrf(self) -> str:
        return next((str(cookie.value) for cookie in self._cookies if cookie.name == CSRF_COOKIE), "")
