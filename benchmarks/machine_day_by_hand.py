"""What a machine did in a recorded day, read from the adapter log itself and nothing else: the judge of the platform's intervals.

Run: python benchmarks/machine_day_by_hand.py FILE. Prints a JSON array of [state, word, from, to] in file order, times in microseconds since
1970: ACTIVE is producing, UNAVAILABLE unknown, any other word not producing; a stamp that steps back is taken as the one before it, and of words
with one stamp the last one counts.
"""

import gzip
import json
import sys
from datetime import UTC, datetime

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def stamp_us(text: str) -> int:
    """Microseconds since 1970 of an ISO time such as 2016-10-13T12:07:54.262686Z."""
    whole, _, fraction = text.rstrip("Z").partition(".")
    return round((datetime.fromisoformat(whole + "+00:00") - EPOCH).total_seconds()) * 1_000_000 + int(fraction.ljust(6, "0")[:6])


def main(file: str) -> None:
    """Print the intervals of `file`."""
    raw = open(file, "rb").read()
    text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("latin-1")
    intervals: list[list[object]] = []
    last = latest = 0
    for line in text.split("\n"):
        stamp, *fields = line.strip("\r").split("|")
        if len(fields) < 2:
            continue
        latest = max(latest, stamp_us(stamp))
        for item, word in zip(fields[::2], fields[1::2], strict=False):
            if item in ("execution", "Program_Status"):
                last = max(last, stamp_us(stamp))
                if intervals and intervals[-1][2] == last:
                    intervals.pop()
                if not intervals or intervals[-1][1] != word:
                    state = {"ACTIVE": "producing", "UNAVAILABLE": "unknown"}.get(word, "not producing")
                    intervals.append([state, word, last, last])
    ends = [start for _, _, start, _ in intervals[1:]] + [latest]
    print(json.dumps([[state, word, start, end] for (state, word, start, _), end in zip(intervals, ends, strict=True) if start != end]))


if __name__ == "__main__":
    main(sys.argv[1])
