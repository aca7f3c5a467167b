"""Moves of an operation within its block of the critical path and what makespan each of them would give, at most or about.

A block is a longest stretch of the path on one machine. Its operations move behind its last or ahead of its first one (N6, Balas and Vazacopoulos
1998), the first and the last one also to the places between (N7, Zhang et al. 2007). A path is one row of operations by time.
"""

import numpy as np

from models.planning.compiled import compiled
from models.planning.shop.heads_tails import Ints, Nodes, Times


@compiled
def draw(search: Nodes, limit: int) -> int:
    """A whole number from 0 to `limit` - 1, `limit` below 2**31; renews `search.random`, which is above 0 (xorshift, Marsaglia 2003)."""
    word = np.uint64(search[0].random)
    word ^= word << np.uint64(13)
    word ^= word >> np.uint64(7)
    word ^= word << np.uint64(17)
    search[0].random = np.int64(word)
    return int(np.int64((word >> np.uint64(33)) * np.uint64(limit) >> np.uint64(31)))


@compiled
def critical_path(nodes: Nodes, finals: Ints, latest: int, path: Ints, search: Nodes) -> int:
    """A longest path, drawn at each fork, written to the end of `path`; returns where it begins there. `latest`: the makespan."""
    size = nodes.shape[0] - 1
    one, ties = size, 0
    for final in finals:
        if nodes[final].end == latest:
            ties += 1
            if ties == 1 or draw(search, ties) == 0:
                one = final
    start = size
    while one != size:
        start -= 1
        path[start] = one
        begin = nodes[one].end - nodes[one].duration
        left, before = nodes[one].left, nodes[one].before
        by_left = left != size and nodes[left].end == begin
        by_before = before != size and nodes[before].end == begin
        if by_left and by_before and left != before:
            one = left if draw(search, 2) == 0 else before
        elif by_left:
            one = left
        elif by_before:
            one = before
        else:
            one = size
    return int(start)


@compiled
def may_move_behind(nodes: Nodes, one: int, other: int) -> bool:
    """Whether no path leads from the job successor of `one` to `other`, for sure."""
    after = nodes[one].after
    return bool(after != other and nodes[other].rest >= nodes[after].rest)


@compiled
def may_move_ahead(nodes: Nodes, one: int, other: int) -> bool:
    """Whether no path leads from `other` to the job predecessor of `one`, for sure."""
    before = nodes[one].before
    return bool(before != other and nodes[other].end >= nodes[before].end)


@compiled
def behind(nodes: Nodes, one: int, other: int, heads: Times) -> int:
    """Longest path through the operations concerned once `one` stands right behind `other` (estimate of Balas and Vazacopoulos 1998)."""
    end = nodes[nodes[one].left].end
    now, count = nodes[one].right, 0
    while True:
        end = max(end, nodes[nodes[now].before].end)
        heads[count] = end
        end += nodes[now].duration
        count += 1
        if now == other:
            break
        now = nodes[now].right
    rest = max(nodes[nodes[one].after].rest, nodes[nodes[other].right].rest) + nodes[one].duration
    longest = max(end, nodes[nodes[one].before].end) + rest
    while now != one:
        rest = max(rest, nodes[nodes[now].after].rest) + nodes[now].duration
        count -= 1
        longest = max(longest, heads[count] + rest)
        now = nodes[now].left
    return int(longest)


@compiled
def ahead(nodes: Nodes, one: int, other: int, tails: Times) -> int:
    """Longest path through the operations concerned once `one` stands right ahead of `other`."""
    rest = nodes[nodes[one].right].rest
    now, count = nodes[one].left, 0
    while True:
        rest = max(rest, nodes[nodes[now].after].rest)
        tails[count] = rest
        rest += nodes[now].duration
        count += 1
        if now == other:
            break
        now = nodes[now].left
    end = max(nodes[nodes[one].before].end, nodes[nodes[other].left].end) + nodes[one].duration
    longest = end + max(rest, nodes[nodes[one].after].rest)
    while now != one:
        end = max(end, nodes[nodes[now].before].end) + nodes[now].duration
        count -= 1
        longest = max(longest, end + tails[count])
        now = nodes[now].right
    return int(longest)
