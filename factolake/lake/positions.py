"""Positions: how far an input has been taken up, kept inside the Delta commit that holds the rows made from it.

A position is a Delta application transaction: `app_id` names the reader and its input, the number only grows. The rules here are pure;
`tables.Handle` applies them around each commit.
"""

from collections.abc import Mapping

from factolake.errors import LeaseHeld, StalePosition

Positions = Mapping[str, int]
Committed = Mapping[str, int | None]


def log_position(log_id: str, topic: str = "records", partition: int = 0) -> str:
    """The app id of landing's place in a log; another log file or a re-created topic has another `log_id`, so another position."""
    return f"{log_id}/{topic}-{partition}"


def refine_position(refinement: str, table: str, history: str) -> str:
    """The app id of how far `refinement` has read the input `table` (a version of that table, as counted in its `history`)."""
    return f"refine/{refinement}/{table}@{history}"


def lease_position(table: str) -> str:
    """The app id under which the owner of `table` leaves its lease's epoch."""
    return f"lease/{table}"


def forgotten_position(what: str) -> str:
    """The app id that tells of rows gone because they were old: of a partition (its commit's version), of a log (how many of its rows so far)."""
    return f"forgotten/{what}"


def require_forward(table: str, offered: Positions, committed: Committed) -> None:
    """Refuse unless every offered position lies beyond the committed one.

    Raises StalePosition naming the table, the app id and both numbers.
    """
    for app_id, offset in offered.items():
        old = committed.get(app_id)
        if old is not None and offset <= old:
            raise StalePosition(
                f"{table}: position {app_id} is already {old}, so the rows offered through {offset} are in the table; nothing was written, "
                "read the position again and drop what lies at or below it"
            )


def require_unmoved(table: str, before: Committed, now: Committed) -> None:
    """Refuse when another writer moved a position since the rows on offer were chosen by it.

    Raises StalePosition: the rows may overlap what that writer committed, so the caller has to choose again.
    """
    for app_id, old in before.items():
        if now.get(app_id) != old:
            raise StalePosition(
                f"{table}: another writer moved position {app_id} from {old} to {now.get(app_id)} meanwhile; nothing was written, "
                "read the position again and drop what lies at or below it"
            )


def require_owner(table: str, epoch: int, committed: int | None) -> None:
    """Refuse a writer whose lease has been taken over: the table holds a newer epoch than its own.

    Raises LeaseHeld.
    """
    if committed is not None and committed > epoch:
        raise LeaseHeld(
            f"{table}: this process owns it with epoch {epoch}, but a newer owner has committed with epoch {committed}; "
            "it was paused or cut off while another took over, stop it"
        )
