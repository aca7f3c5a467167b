"""What stops an action whoever asks: before anything is looked up, or when everything is written and nothing is committed. Apps register them.

The last checks run with the end of the audit chain held, so what they read is as it is in the order of the commits: an action is either before a kill
switch in the chain, or it does not happen.
"""

from collections.abc import Callable

from factolake.mes.core.call import Call

Check = Callable[[Call, str], None]
_FIRST: list[Check] = []
_LAST: list[Check] = []


def first_check(check: Check) -> Check:
    """Let `check` see each call and the name of its action before anything is looked up; what it raises is the answer."""
    _FIRST.append(check)
    return check


def last_check(check: Check) -> Check:
    """Let `check` see each call and the name of its action just before the commit; what it raises undoes the action."""
    _LAST.append(check)
    return check


def check_first(call: Call, action: str) -> None:
    """Run the first checks. Raises what the first that objects raises."""
    for check in _FIRST:
        check(call, action)


def check_last(call: Call, action: str) -> None:
    """Run the last checks. Raises what the first that objects raises."""
    for check in _LAST:
        check(call, action)
