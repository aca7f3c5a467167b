"""Where an operation may go once it is taken out of a plan, and how long the plan then is.

Taken out, the rest of the plan has its own heads and tails. On a machine, the operation may stand before every operation that ends later than what
it waits for can start, and after every one that has more to come than what waits for it: such a place closes no circle, one of them is the best on
that machine, and head + duration + tail is the longest way through it (Mastrolilli and Gambardella, Effective neighbourhood functions for the
flexible job shop problem, Journal of Scheduling, 2000). With setups more places are looked at, since the best need not be among the few
(Gonzalez, Vela and Varela, An efficient memetic algorithm for the flexible job shop with setup times, ICAPS 2013).
"""

from models.planning.compiled import compiled
from models.planning.flexible.arrays import (
    AFTER,
    BEFORE,
    DURATION,
    FAMILY,
    HEAD,
    JOB_AFTER,
    JOB_BEFORE,
    KIND,
    LATEST_TO,
    ON_KIND,
    ORDER,
    PLACE,
    RELEASE,
    REST_HEAD,
    REST_TAIL,
    SHORTEST,
    TAIL,
    TAKES,
    WAY,
    Ints,
    Shop,
)
from models.planning.flexible.graph import link, unlink


@compiled
def take_out(shop: Shop, graph: Ints, one: int) -> int:
    """Takes an operation off its machine and makes it as short as it can be; gives the latest end of that, as no place for it goes below it.

    Fills REST_HEAD; `tails_without` and `put_back` follow. What lies before the operation starts no earlier. A setup longer than those by way of the
    operation makes the value too high.
    """
    at = graph[PLACE, one]
    unlink(graph, one)
    graph[DURATION, one] = graph[SHORTEST, one]
    graph[REST_HEAD] = graph[HEAD]
    job_before = graph[JOB_BEFORE, one]
    graph[REST_HEAD, one] = max(graph[HEAD, job_before] + graph[DURATION, job_before], graph[RELEASE, one])
    latest = graph[REST_HEAD, one] + graph[DURATION, one]
    if at:
        latest = max(latest, graph[LATEST_TO, at - 1])
    return int(max(latest, heads_with_setups(shop, graph, at + 1) if shop.has_setups else heads(shop, graph, at + 1)))


@compiled
def heads(shop: Shop, graph: Ints, at: int) -> int:
    """REST_HEAD of all from a place of ORDER on, where nothing is set up; gives their latest end. Rows as arrays: four times as fast."""
    order, duration, before, job_before = graph[ORDER], graph[DURATION], graph[BEFORE], graph[JOB_BEFORE]
    head, release, latest = graph[REST_HEAD], graph[RELEASE], 0
    for place in range(at, shop.size):
        one = order[place]
        a, b = before[one], job_before[one]
        start = max(head[a] + duration[a], head[b] + duration[b], release[one])
        head[one] = start
        latest = max(latest, start + duration[one])
    return latest


@compiled
def heads_with_setups(shop: Shop, graph: Ints, at: int) -> int:
    """As `heads`, with setups."""
    order, duration, before, job_before = graph[ORDER], graph[DURATION], graph[BEFORE], graph[JOB_BEFORE]
    kind, family, setups = graph[KIND], graph[FAMILY], shop.setups
    head, release, latest = graph[REST_HEAD], graph[RELEASE], 0
    for place in range(at, shop.size):
        one = order[place]
        a, b = before[one], job_before[one]
        start = max(head[a] + duration[a] + setups[kind[one], family[a], family[one]], head[b] + duration[b], release[one])
        head[one] = start
        latest = max(latest, start + duration[one])
    return latest


@compiled
def tails_without(shop: Shop, graph: Ints, one: int) -> None:
    """Fills REST_TAIL for the plan without the operation that was taken out."""
    graph[REST_TAIL] = graph[TAIL]
    graph[REST_TAIL, one] = graph[TAIL, graph[JOB_AFTER, one]] + graph[DURATION, graph[JOB_AFTER, one]]
    if shop.has_setups:
        tails_with_setups(shop, graph, graph[PLACE, one])
    else:
        tails(graph, graph[PLACE, one])


@compiled
def tails(graph: Ints, at: int) -> None:
    """REST_TAIL of all before a place of ORDER, where nothing is set up."""
    order, tail, duration, after, job_after = graph[ORDER], graph[REST_TAIL], graph[DURATION], graph[AFTER], graph[JOB_AFTER]
    for place in range(at - 1, -1, -1):
        one = order[place]
        a, b = after[one], job_after[one]
        tail[one] = max(tail[a] + duration[a], tail[b] + duration[b])


@compiled
def tails_with_setups(shop: Shop, graph: Ints, at: int) -> None:
    """As `tails`, with setups."""
    order, tail, duration, after, job_after = graph[ORDER], graph[REST_TAIL], graph[DURATION], graph[AFTER], graph[JOB_AFTER]
    kind, family, setups = graph[KIND], graph[FAMILY], shop.setups
    for place in range(at - 1, -1, -1):
        one = order[place]
        a, b = after[one], job_after[one]
        tail[one] = max(tail[a] + duration[a] + setups[kind[one], family[one], family[a]], tail[b] + duration[b])


@compiled
def put_back(shop: Shop, graph: Ints, one: int) -> None:
    """Links an operation where it was before `take_out`."""
    link(shop, graph, one, graph[WAY, one], graph[BEFORE, one], graph[AFTER, one])


@compiled
def may_follow(shop: Shop, graph: Ints, one: int, other: int) -> bool:
    """Whether `other` may stand behind `one`: it surely does not come before it by any way."""
    end, job_before = graph[REST_HEAD, other] + graph[DURATION, other], graph[JOB_BEFORE, one]
    if shop.has_setups:
        return bool(end > graph[REST_HEAD, job_before] and other != job_before)
    return bool(end > graph[REST_HEAD, one])


@compiled
def may_precede(shop: Shop, graph: Ints, one: int, other: int) -> bool:
    """Whether `other` may stand before `one`: it surely does not come behind it by any way."""
    left, job_after = graph[REST_TAIL, other] + graph[DURATION, other], graph[JOB_AFTER, one]
    if shop.has_setups:
        return bool(left > graph[REST_TAIL, job_after] and other != job_after)
    return bool(left > graph[REST_TAIL, one])


@compiled
def through(shop: Shop, graph: Ints, one: int, way: int, before: int, after: int) -> int:
    """Longest way through the operation, done so, between two neighbours of the rest."""
    start, left = graph[REST_HEAD, before] + graph[DURATION, before], graph[REST_TAIL, after] + graph[DURATION, after]
    if shop.has_setups:
        kind, family = shop.modes[ON_KIND, way], graph[FAMILY, one]
        start += shop.setups[kind, graph[FAMILY, before], family]
        left += shop.setups[kind, family, graph[FAMILY, after]]
    return int(max(start, graph[REST_HEAD, one]) + shop.modes[TAKES, way] + max(left, graph[REST_TAIL, one]))
