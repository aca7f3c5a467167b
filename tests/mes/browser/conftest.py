"""A server on a free port and Debian's chromium; a fresh record and a fresh browser profile a test."""

from collections.abc import Callable, Iterator
from threading import Event
from typing import Any

import pytest
from browser_help import CHROMIUM, TABLET, serve, sign_in


@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The running browser, for one module: its event loop must be gone before asynchronous tests come."""
    playwright = pytest.importorskip("playwright.sync_api", reason="the playwright wheel is not installed")
    if CHROMIUM is None:
        pytest.skip("chromium is not installed: apt-get install chromium")
    with pytest.MonkeyPatch.context() as patch, playwright.sync_playwright() as driver:
        patch.setenv("DJANGO_ALLOW_ASYNC_UNSAFE", "1")  # the driver's loop runs in the thread of the tests, which use the database
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def outage() -> Event:
    """Set while the server answers nobody: a cable that is out, a server that is down."""
    return Event()


@pytest.fixture
def address(record: str, outage: Event) -> Iterator[str]:
    """FactoMES at http://localhost:PORT over the test's own record."""
    yield from serve(outage)


@pytest.fixture
def open_page(chromium: Any, address: str) -> Iterator[Callable[..., Any]]:
    """Makes a page of a fresh profile; with a person's id, signed in through the login page. What the console complains of fails the test."""
    contexts: list[Any] = []
    complaints: list[str] = []

    def make(person_id: str | None = None, **options: Any) -> Any:
        contexts.append(chromium.new_context(**{"viewport": TABLET, "base_url": address, "has_touch": True, **options}))
        page = contexts[-1].new_page()
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.on("console", lambda said: complaints.append(said.text) if "Content Security Policy" in said.text else None)
        if person_id is not None:
            sign_in(page, person_id)
        return page

    yield make
    for context in contexts:
        context.close()
    assert complaints == []
