"""A time as it comes in from outside: ISO 8601 text with its offset, nothing else."""

import re
from datetime import datetime
from typing import Annotated

from pydantic import AwareDatetime, BeforeValidator

_ISO = re.compile(r"\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}", re.ASCII)


def iso_moment(value: object) -> object:
    """Only ISO 8601 text: 20260302 would be taken for seconds since 1970. A datetime and None pass."""
    if isinstance(value, datetime) or value is None or (isinstance(value, str) and _ISO.match(value)):
        return value
    raise ValueError("a time is written 2026-03-02T06:00:00+01:00 or ...Z")


Moment = Annotated[datetime, AwareDatetime, BeforeValidator(iso_moment)]
