"""The watch as a part. Without a champion it looks at one file a minute and loads nothing; with one, `running.py` does the work."""

import threading

import structlog

from factolake.config import Settings
from factolake.domain.clock import Clock

LEDGER = "promotions.jsonl"
_log = structlog.get_logger(__name__)


def run_watch(settings: Settings, clock: Clock, stop: threading.Event, *, once: bool = False) -> None:
    """Watch until `stop`; with `once` judge what is in the spool now. Raises ConfigError, TableDamaged; with `once` what the spool raises too."""
    idle = why_idle(settings)
    if idle is not None:
        _log.info(idle)
    if not settings.watch.enabled:
        _rest(stop, once=once)
        return
    while why_idle(settings) is not None:
        if once or stop.wait(settings.watch.look_every_s):
            return
    try:
        from pipelines.watching.running import watching
    except ImportError as error:
        _log.warning(f"nobody is watched: {error.name} is not installed; install factolake with the extras `registry` and `series`")
        _rest(stop, once=once)
        return
    with watching(settings, clock, stop, is_alone=once) as process:
        process.run(stop, once=once)


def why_idle(settings: Settings) -> str | None:
    """In a sentence, why nothing has to be loaded; None where a model was promoted."""
    if not settings.watch.enabled:
        return "nobody is watched: watch.enabled is false"
    if not (settings.registry_dir / LEDGER).exists():
        return "nobody is watched: no model has been promoted yet"
    return None


def _rest(stop: threading.Event, *, once: bool) -> None:
    """Until asked to end: a part that ends by itself would be started again."""
    if not once:
        stop.wait()
