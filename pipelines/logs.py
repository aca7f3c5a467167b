"""One line per event: JSON when stderr is no terminal (the supervisor's log files), readable columns when it is."""

import logging
import sys

import structlog


def set_up_logs(part: str, *, debug: bool = False) -> None:
    """Send structlog and the standard library's warnings of this process to stderr, each line naming `part`."""
    level = logging.DEBUG if debug else logging.INFO
    terminal = sys.stderr.isatty()
    renderer = structlog.dev.ConsoleRenderer() if terminal else structlog.processors.JSONRenderer()

    def name_part(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
        event.setdefault("part", part)
        return event

    shared: list[structlog.typing.Processor] = [
        name_part,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    structlog.configure(
        processors=[*shared, structlog.processors.format_exc_info, renderer],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(structlog.stdlib.ProcessorFormatter(processor=renderer, foreign_pre_chain=shared))
    # Libraries (asyncua, pysail) are talkative at info; their warnings are what an engineer wants to see.
    logging.basicConfig(level=logging.DEBUG if debug else logging.WARNING, handlers=[handler], force=True)
