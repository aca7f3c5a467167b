"""Touch and waiting times of each work order of a process log, read from its CSV and nothing else: the judge of FactoMES's own.

Run: python benchmarks/production_event_log_by_hand.py FILE. Prints a JSON object of [events, cycle, touch, waiting, beginning] by case, in seconds.
Waiting is counted edge by edge: wherever an event begins or ends, how many are open until the next edge; with none open the order waits.
"""

import collections
import csv
import gzip
import itertools
import json
import sys
import time


def seconds(stamp: str) -> int:
    """Seconds since 1970 of 2012/01/30 06:24:00, taken as UTC."""
    parsed = time.strptime(stamp + " UTC", "%Y/%m/%d %H:%M:%S %Z")
    days = (parsed.tm_year - 1970) * 365 + (parsed.tm_year - 1969) // 4 + parsed.tm_yday - 1
    return days * 86_400 + parsed.tm_hour * 3_600 + parsed.tm_min * 60 + parsed.tm_sec


def main(file: str) -> None:
    """Print the times of `file`."""
    edges: dict[str, collections.Counter[int]] = collections.defaultdict(collections.Counter)
    touch, events = collections.Counter[str](), collections.Counter[str]()
    bounds: dict[str, list[int]] = {}
    with gzip.open(file, "rt", encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            case, begin, end = row["caseid"], seconds(row["start_timestamp"]), seconds(row["end_timestamp"])
            edges[case][begin] += 1
            edges[case][end] -= 1
            touch[case] += end - begin
            events[case] += 1
            low, high = bounds.setdefault(case, [begin, end])
            bounds[case] = [min(low, begin), max(high, end)]
    answer = {}
    for case, changes in edges.items():
        is_open = waiting = 0
        moments = sorted({*changes, *bounds[case]})
        for now, after in itertools.pairwise(moments):
            is_open += changes[now]
            waiting += 0 if is_open else after - now
        low, high = bounds[case]
        answer[case] = [events[case], high - low, touch[case], waiting, low]
    json.dump(answer, sys.stdout)


if __name__ == "__main__":
    main(sys.argv[1])
