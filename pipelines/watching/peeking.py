"""The stamps of a record without the rest of it: a backfill is many times what arrives, and none of it matters any more."""

from collections.abc import Sequence

import pyarrow as pa
import pyarrow.compute as pc

from factolake.bus.codec import MESSAGE_SCHEMAS
from factolake.bus.port import READINGS_SCHEMA, StoredRecord

_SCHEMA = MESSAGE_SCHEMAS[READINGS_SCHEMA]
_NEVER_US = 2**62
_STAMPS = pa.ipc.IpcReadOptions(use_threads=False, included_fields=[_SCHEMA.get_field_index(name) for name in ("source_ts", "server_ts")])


def after(records: Sequence[StoredRecord], floor_us: int) -> list[StoredRecord]:
    """Those of `records` that are no readings, cannot be read, or have a stamp at or after `floor_us`."""
    return [one for one in records if _newest_us(one) >= floor_us]


def _newest_us(one: StoredRecord) -> int:
    """The newest stamp of any reading in it; far in the future for what is not to be passed over."""
    if one.record.headers.get("schema") != READINGS_SCHEMA:
        return _NEVER_US
    try:
        rows = pa.ipc.open_stream(one.record.value, options=_STAMPS).read_all()
        stamps = [pc.max(column).value for column in rows.columns]
    except (pa.ArrowException, OSError, ValueError):
        return _NEVER_US
    return max((stamp for stamp in stamps if stamp is not None), default=_NEVER_US)
