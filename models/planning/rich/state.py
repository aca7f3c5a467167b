"""A plan in the making: what is placed when, and for each machine, person, tool and material the list of what it does in order of start."""

from typing import NamedTuple

import numpy as np

from models.planning.compiled import compiled
from models.planning.rich.arrays import Data, Ints

# Columns of State.operations: start is -1 before it is placed; CHOSEN is the row of its mode in Data.modes.
START, END, CHOSEN, NOT_BEFORE, ARRIVED = range(5)
# Columns of State.nodes; the first nodes are the operations on their machines.
NEXT, PREV, OWNER = range(3)
# Columns of State.heads, one row a resource.
HEAD, TAIL = range(2)


class State(NamedTuple):
    """Views of one flat array, so that a copy of that array keeps all."""

    flat: Ints
    operations: Ints
    nodes: Ints
    heads: Ints


def new_state(data: Data) -> State:
    """A state with nothing placed."""
    operations, nodes, resources = data.operations.shape[0] - 1, data.node_operation.shape[0], data.resources.shape[0] - 1
    first, second = operations * 5, operations * 5 + nodes * 3
    flat = np.full(second + resources * 2, -1, np.int64)
    state = State(flat, flat[:first].reshape(operations, 5), flat[first:second].reshape(nodes, 3), flat[second:].reshape(resources, 2))
    state.operations[:, NOT_BEFORE] = 0
    return state


@compiled
def copy_to(target: Ints, source: Ints) -> None:
    """Write one list of numbers over another. By hand: a slice assignment compiles the texts of its errors into every caller."""
    for at in range(target.shape[0]):
        target[at] = source[at]


@compiled
def insert_after(nodes: Ints, heads: Ints, resource: int, behind: int, node: int) -> None:
    """Put a node into a resource's list, behind another one (-1: first)."""
    if behind < 0:
        following = heads[resource, HEAD]
        heads[resource, HEAD] = node
    else:
        following = nodes[behind, NEXT]
        nodes[behind, NEXT] = node
    nodes[node, PREV] = behind
    nodes[node, NEXT] = following
    nodes[node, OWNER] = resource
    if following < 0:
        heads[resource, TAIL] = node
    else:
        nodes[following, PREV] = node


@compiled
def remove(nodes: Ints, heads: Ints, node: int) -> None:
    """Take a node out of the list it is in."""
    resource = nodes[node, OWNER]
    behind, following = nodes[node, PREV], nodes[node, NEXT]
    if behind < 0:
        heads[resource, HEAD] = following
    else:
        nodes[behind, NEXT] = following
    if following < 0:
        heads[resource, TAIL] = behind
    else:
        nodes[following, PREV] = behind
    nodes[node, OWNER] = -1


@compiled
def last_by(state: State, node_operation: Ints, resource: int, time: int) -> int:
    """Node of the last thing that a resource begins by a time, -1 where there is none."""
    node = state.heads[resource, TAIL]
    while node >= 0 and state.operations[node_operation[node], START] > time:
        node = state.nodes[node, PREV]
    return int(node)
