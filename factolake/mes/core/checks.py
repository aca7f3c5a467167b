"""What may still stop an action when everything is written and nothing is committed. Apps register; core knows none of them.

The checks run with the end of the audit chain held, so what they read is as it is in the order of the commits: an action is either before a kill
switch in the chain, or it does not happen.
"""

from collections.abc import Callable

from factolake.mes.core.call import Call

Check = Callable[[Call, str], None]
_LAST: list[Check] = []


def last_check(check: Check) -> Check:
    """Let `check` see each call and the name of its action just before the commit; what it raises undoes the action."""
    _LAST.append(check)
    return check


def check_last(call: Call, action: str) -> None:
    """Run them all. Raises what the first that objects raises."""
    for check in _LAST:
        check(call, action)
