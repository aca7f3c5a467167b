"""Pictures of the pages for docs/screenshots, from a record in the middle of a shift.

Run: python tests/mes/browser/make_screenshots.py [NAME ...]. Needs chromium; NAMEs make only those. Each picture has at most 256 colours.
"""

import io
import os
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[3]
OUT = ROOT / "docs" / "screenshots"
BYTES_MAX = 150_000
COLOURS = 256
TALLEST_PX = 2000
PAGES = (
    ("start", "planner", "/", "light"),
    ("terminal", "operator", "/terminals/L1-M1/", "light"),
    ("terminal-dark", "operator", "/terminals/L1-M1/", "dark"),
    ("board", "viewer", "/boards/L1/", "light"),
    ("board-dark", "viewer", "/boards/L1/", "dark"),
    ("orders", "planner", "/orders/", "light"),
    ("order", "planner", "/orders/PO-1001", "light"),
    ("order-new", "planner", "/actions/order.create/", "light"),
    ("material", "engineer", "/materials/GH-100", "light"),
    ("lots", "planner", "/lots/", "light"),
    ("lot", "quality", "/lots/L-1001-A", "light"),
    ("recall", "quality", "/recall/ST-2232", "light"),
    ("quality", "quality", "/quality/", "light"),
    ("check", "operator", "/quality/checks/L1-M1/", "light"),
    ("chart", "quality", "/quality/charts/1", "light"),
    ("chart-dark", "quality", "/quality/charts/1", "dark"),
    ("hold", "quality", "/quality/holds/1", "light"),
    ("schedule", "planner", "/schedules/L1/", "light"),
    ("schedule-load", "planner", "/schedules/L1/load", "light"),
    ("schedule-late", "planner", "/schedules/L1/late", "light"),
    ("schedule-compare", "planner", "/schedules/L1/compare", "light"),
    ("alerts", "quality", "/alerts/", "light"),
    ("signals", "maintenance", "/signals/", "light"),
    ("signal", "maintenance", "/signals/{grave}", "light"),
    ("maintenance", "maintenance", "/maintenance/", "light"),
    ("maintenance-order", "maintenance", "/maintenance/orders/1", "light"),
    ("labels", "planner", "/labels/?kind=lot&keys=L-1001-A%0AL-1001-B&layout=sheet", "light"),
    ("approvals", "approver", "/approvals/", "light"),
    ("people-dark", "admin", "/people/", "dark"),
    ("audit", "admin", "/audit/?actor=planner", "light"),
)
"""Name, who looks, address, colour scheme."""


def main(wanted: list[str]) -> None:
    sys.path[:0] = [str(ROOT), str(ROOT / "tests" / "mes")]
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "1"  # the driver's loop runs in the thread that also uses the database
    with tempfile.TemporaryDirectory(prefix="factomes") as home:
        from factolake.config.settings import Settings
        from factolake.mes.project.configure import start

        start(Settings(home=Path(home)))
        from browser_help import CHROMIUM, serve
        from playwright.sync_api import sync_playwright

        fill(Path(home))
        serving = serve(threading.Event())
        with sync_playwright() as driver:
            browser = driver.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
            take(browser, next(serving), wanted, f"sqlite:///{Path(home) / 'mes' / 'mes.sqlite'}")
            browser.close()
        next(serving, None)


def fill(home: Path) -> None:
    """A record on SQLite with the shipped plant and what happened in it."""
    from django.core.management import call_command

    (home / "mes").mkdir(exist_ok=True)
    call_command("migrate", verbosity=0)
    from lived_record import live
    from record_plant import fill as people

    people(ROOT / "conf" / "plant.toml")
    live(f"sqlite:///{home / 'mes' / 'mes.sqlite'}")


def take(browser: Any, address: str, wanted: list[str], url: str) -> None:
    """Every picture; last those of what comes later: a proposal, and the first administrator's page, which opens only while there is none."""
    from factolake.mes.people.models import Grant

    signed_in: dict[tuple[str, str], Any] = {}
    for name, person, where, scheme in PAGES:
        if wanted and name not in wanted:
            continue
        if (person, scheme) not in signed_in:
            signed_in[person, scheme] = opened(browser, address, person, scheme)
        page = signed_in[person, scheme]
        page.goto(where.format(grave=grave()))
        page.wait_for_load_state("networkidle")
        save(name, page)
    if not wanted or "terminal-scrap" in wanted:
        page = opened(browser, address, "operator", "light")
        page.goto("/terminals/L1-M1/")
        page.click("summary:has-text('Scrap')")
        save("terminal-scrap", page)
    if not wanted or "schedule-proposal" in wanted:
        from lived_record import break_down

        break_down(url)
        page = opened(browser, address, "planner", "light")
        page.goto("/schedules/L1/")
        page.wait_for_load_state("networkidle")
        save("schedule-proposal", page)
    if not wanted or "setup" in wanted:
        with no_admin(Grant):
            page = opened(browser, address, None, "light")
            page.goto("/setup")
            save("setup", page)


def grave() -> str:
    """The key of the gravest alert of a machine."""
    from factolake.mes.signals.models import MachineAlert

    return str(MachineAlert.objects.get(severity="high").pk)


def opened(browser: Any, address: str, person: str | None, scheme: str) -> Any:
    """A page of a fresh profile on a tablet, signed in."""
    from browser_help import TABLET, sign_in

    page = browser.new_context(viewport=TABLET, base_url=address, has_touch=True, color_scheme=scheme, service_workers="block").new_page()
    if person is not None:
        sign_in(page, person)
    return page


@contextmanager
def no_admin(grants: Any) -> Iterator[None]:
    """As if nobody were administrator yet."""
    kept = list(grants.objects.filter(role="admin"))
    grants.objects.filter(role="admin").delete()
    yield
    grants.objects.bulk_create(kept)


def few_colours(picture: Any) -> Any:
    """The colours that most of it has stay as they are, grounds above all; the others become the nearest of them."""
    from PIL import Image

    found = sorted(picture.getcolors(picture.width * picture.height), reverse=True)[:COLOURS]
    palette = Image.new("P", (1, 1))
    palette.putpalette([value for _, colour in found for value in colour])
    return picture.quantize(palette=palette, dither=Image.Dither.NONE)


def save(name: str, page: Any) -> None:
    """The whole page as a PNG of few colours. Raises SystemExit for one that is too heavy for a repository."""
    from PIL import Image

    width, height = page.evaluate(f"() => [innerWidth, Math.min(document.documentElement.scrollHeight, {TALLEST_PX})]")
    shown = page.screenshot(full_page=True, clip={"x": 0, "y": 0, "width": width, "height": height})
    picture = few_colours(Image.open(io.BytesIO(shown)).convert("RGB"))
    file = OUT / f"mes-{name}.png"
    picture.save(file, optimize=True)
    print(f"{file.relative_to(ROOT)} {picture.width}x{picture.height} {file.stat().st_size} bytes")
    if file.stat().st_size > BYTES_MAX:
        raise SystemExit(f"{file} has {file.stat().st_size} bytes, at most {BYTES_MAX}; show less on it")


if __name__ == "__main__":
    main(sys.argv[1:])
