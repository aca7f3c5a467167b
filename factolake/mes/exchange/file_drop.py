"""Confirmations into a folder that the ERP empties: a file of one JSON line each, whole or not there."""

import json
from dataclasses import dataclass
from pathlib import Path

from factolake.files import put_whole
from factolake.mes.exchange.ports import Accepted, Message, SendResult, Unavailable


@dataclass(frozen=True, slots=True)
class FileDrop:
    """Names sort in the order of the confirmations; the same confirmation sent again has the same name and content."""

    source_system: str
    folder: Path

    def send(self, message: Message) -> SendResult:
        """Write the file; that it lies there is the acceptance, and the ERP cannot refuse it afterwards."""
        name = f"{message.number:012d}-{message.key}.jsonl"
        line = json.dumps({"idempotency_key": message.key, **message.body}, sort_keys=True, ensure_ascii=False) + "\n"
        try:
            put_whole(self.folder / name, line.encode())
        except OSError as error:
            return Unavailable(f"{self.folder} cannot be written: {error.strerror or error}")
        return Accepted()
