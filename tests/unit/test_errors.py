"""The tree of errors is drawn in its module as it is."""

import inspect
import re

from factolake import errors


def drawn() -> dict[str, str]:
    """Each error of the drawing with the one above it."""
    above: dict[str, str] = {}
    at_depth = {0: "FactoLakeError"}
    for line in (errors.__doc__ or "").splitlines():
        found = re.match(r"([│ ]*)[├└]── (\w+) {2,}\S", line)
        if found:
            depth = len(found[1]) // 4 + 1
            at_depth[depth] = found[2]
            above[found[2]] = at_depth[depth - 1]
    return above


def test_the_drawing_shows_every_error_under_its_own_root() -> None:
    there = {name: kind.__bases__[0].__name__ for name, kind in inspect.getmembers(errors, inspect.isclass) if kind is not errors.FactoLakeError}
    assert drawn() == there
