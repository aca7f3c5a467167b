"""What tests in the browser do again and again."""

import shutil
import threading
from collections.abc import Iterator
from typing import Any

from pages_client import PASSWORD, give_password

from factolake.mes.people.models import Person

CHROMIUM = shutil.which("chromium")
TABLET = {"width": 1024, "height": 768}


def sign_in(page: Any, person_id: str) -> None:
    """Through the login page, with a password; a new one would end the sessions the person has."""
    if not Person.objects.get(pk=person_id).password:
        give_password(person_id)
    page.goto("/login")
    page.fill("#username", person_id)
    page.fill("#password", PASSWORD)
    page.click("main button.main")
    page.wait_for_selector("text=Good to see you")


def serve(outage: threading.Event) -> Iterator[str]:
    """The application in a thread, as a server runs it; while `outage` is set every connection ends without an answer."""
    from django.core.handlers.wsgi import WSGIHandler
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.db import connections

    class Quiet(WSGIRequestHandler):
        def log_message(self, *_: object) -> None:
            pass

        def parse_request(self) -> bool:
            self.close_connection = self.close_connection or outage.is_set()
            return not outage.is_set() and super().parse_request()

    class Closing(ThreadedWSGIServer):
        def process_request_thread(self, request: Any, client_address: Any) -> None:
            try:
                super().process_request_thread(request, client_address)
            finally:
                connections.close_all()

    server = Closing(("localhost", 0), Quiet)
    server.set_app(WSGIHandler())
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://localhost:{server.server_port}"
    server.shutdown()
    server.server_close()
    thread.join()
