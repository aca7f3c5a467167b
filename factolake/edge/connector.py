"""What a connector is to the gateway, whatever protocol it speaks."""

import asyncio
from typing import Protocol

from factolake.edge.health import SourceHealth


class Connector(Protocol):
    """One source's connection: keeps itself connected, puts everything that arrives into the log it was made with."""

    @property
    def source_id(self) -> str:
        """The source it serves."""
        ...

    async def run(self, stop: asyncio.Event) -> None:
        """Serve the source until `stop` is set, then store what was already received (within 10 s) and return.

        No failure of the source ends it: it reconnects. What is wrong stands in `health`.
        """
        ...

    def health(self) -> SourceHealth:
        """How the source is right now."""
        ...
