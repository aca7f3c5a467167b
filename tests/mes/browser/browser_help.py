"""What tests in the browser do again and again."""

from typing import Any

from pages_client import PASSWORD, give_password


def sign_in(page: Any, person_id: str) -> None:
    """Through the login page, with a password."""
    give_password(person_id)
    page.goto("/login")
    page.fill("#username", person_id)
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_selector("text=Good to see you")
