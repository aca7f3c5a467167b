"""Confirmations into a folder that the ERP empties: a file of one JSON line each, whole or not there."""

import json
import os
from dataclasses import dataclass
from pathlib import Path

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
            self._write(self.folder / name, line.encode())
        except OSError as error:
            return Unavailable(f"{self.folder} cannot be written: {error.strerror or error}")
        return Accepted()

    def _write(self, path: Path, content: bytes) -> None:
        """Through a file beside it whose name begins with a point, so that a reader never sees half of it; on disk before this returns."""
        draft = path.with_name(f".{path.name}")
        with open(draft, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.replace(draft, path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
