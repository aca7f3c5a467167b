"""Alerts in the browser: danger in two taps, the bell of a page that is open rings by itself, one tap takes it on."""

from collections.abc import Callable
from typing import Any

import pytest
from record_plant import M1

from factolake.mes.alerts.models import Alert

pytestmark = [pytest.mark.browser, pytest.mark.parametrize("record", ["sqlite"], indirect=True)]
OpenPage = Callable[..., Any]


def test_danger_takes_two_taps_and_reaches_a_page_that_is_open_without_a_click(open_page: OpenPage, record: str) -> None:
    quality, operator = open_page("quality"), open_page("operator")
    quality.goto("/orders/")
    assert quality.locator("#bell").inner_text().strip() == "0"
    operator.goto(f"/terminals/{M1}/")
    operator.tap("summary:has-text('Danger')")
    operator.tap("button:has-text('Guard open')")
    operator.wait_for_selector("text=Everybody on shift at this line is told.")
    assert Alert.objects.get().danger == "guard_open"
    quality.wait_for_selector("#bell.danger", timeout=30_000)
    quality.tap("#bell")
    quality.tap("button:has-text('I look after it')")
    quality.wait_for_selector("text=Quality looks after it since")
    assert quality.locator("#bell").inner_text().strip() == "0"


def test_danger_that_is_not_sent_yet_says_so(open_page: OpenPage, record: str) -> None:
    page = open_page("operator")
    page.goto(f"/terminals/{M1}/")
    page.context.set_offline(True)
    page.tap("summary:has-text('Danger')")
    page.tap("button:has-text('Person hurt')")
    page.wait_for_selector("text=nobody has it yet: call somebody")
    assert not Alert.objects.exists()
    page.context.set_offline(False)
    page.wait_for_selector("text=Everybody on shift at this line is told.", timeout=30_000)
    assert Alert.objects.get().danger == "person_hurt"
