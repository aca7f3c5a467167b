"""The documentation of the API in a real browser: whole, without anything from elsewhere, under the strict policy of every page."""

from collections.abc import Callable
from typing import Any

import pytest
from record_plant import order

pytestmark = [pytest.mark.browser, pytest.mark.slow]


@pytest.fixture
def record(sqlite_record: str) -> str:
    """No database changes what is shown."""
    return sqlite_record


def test_the_documentation_is_whole_and_can_be_tried(open_page: Callable[..., Any], address: str) -> None:
    order("PO-1")
    page = open_page("viewer")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.set_default_timeout(90_000)
    page.goto("/api/v1/docs#/orders/list_orders")
    page.click("#operations-orders-list_orders button.try-out__btn")
    page.click("#operations-orders-list_orders button.execute")
    page.wait_for_selector("#operations-orders-list_orders .live-responses-table .response")
    assert "PO-1" in page.inner_text("#operations-orders-list_orders .live-responses-table")
    assert [url for url in asked if not url.startswith((address, "data:"))] == []
