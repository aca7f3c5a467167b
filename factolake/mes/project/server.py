"""FactoMES behind gunicorn: worker processes with threads, loopback unless a certificate is set, a polite end on request."""

import gc
import os
import signal
from collections.abc import Callable
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from gunicorn.app.base import BaseApplication

from factolake.config.settings import Settings
from factolake.errors import ConfigError
from factolake.mes.project.configure import start

WORKERS = 2
THREADS = 4
GRACE_S = 10


class _Server(BaseApplication):
    def __init__(self, settings: Settings, port: int) -> None:
        self._settings, self._port = settings, port
        super().__init__()

    def load_config(self) -> None:
        values: dict[str, Any] = {
            "bind": f"{self._settings.mes.listen}:{self._port}",
            "workers": WORKERS,
            "threads": THREADS,
            "worker_class": "gthread",
            "graceful_timeout": GRACE_S,
            "timeout": 60,
            "loglevel": "warning",
            "control_socket_disable": True,
            "certfile": self._settings.mes.certificate,
            "keyfile": self._settings.mes.certificate_key,
        }
        for name, value in values.items():
            if name in self.cfg.settings:
                self.cfg.set(name, value)

    def load(self) -> Callable[..., Any]:
        start(self._settings)
        from factolake.mes.project.wsgi import application

        settle()
        return application


def serve(settings: Settings, port: int, on_request: Callable[[Callable[[], object]], None]) -> None:
    """Serve until SIGTERM or Ctrl-C, or until what `on_request` was given is called. Raises ConfigError for an address that may not be open."""
    check_listening(settings)
    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    process = os.getpid()
    on_request(lambda: os.kill(process, signal.SIGTERM))
    try:
        _Server(settings, port).run()
    except SystemExit as ended:
        if ended.code:
            raise
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def settle() -> None:
    """Load the pages, and leave all that is loaded out of collections of garbage: 250,000 objects took one 140 ms in the middle of a request."""
    from django.urls import get_resolver

    get_resolver().check()
    gc.collect()
    gc.freeze()


def check_listening(settings: Settings) -> None:
    """Raise ConfigError when FactoMES would be open to a network without encryption, or with a certificate that is not there."""
    listen, certificate = settings.mes.listen, settings.mes.certificate
    if not ip_address(listen).is_loopback and certificate is None:
        raise ConfigError("settings", "mes.listen", listen, "a loopback address, or mes.certificate and mes.certificate_key as well")
    for key, file in (("mes.certificate", certificate), ("mes.certificate_key", settings.mes.certificate_key)):
        if file is not None and not Path(file).is_file():
            raise ConfigError("settings", key, file, "a PEM file that exists")
