"""Why FactoMES says no, each with its HTTP status. All are sentences: what, which thing, the value seen, what to do.

Refusal                400
├── NotSignedIn        401  nobody is known to be asking
├── NotAllowed         403  the person may not do this there
├── NeedsApproval      403  the action happens only through a proposal that others approve
├── NotFound           404  no such thing, or none the person may see
├── Conflict           409  it is there already, or another rule stands against it
│   ├── IllegalStep    409  the state machine has no such step
│   └── OwnedElsewhere 409  another system owns it
├── Gone               410  it was good once: expired, used up
├── Stale              412  it was changed since it was read
├── Invalid            422  the values cannot be
└── TooOften           429  asked more often than one person may
"""

from factolake.errors import Permanent


class Refusal(Permanent):
    """FactoMES refuses; `status` is the HTTP status of the answer."""

    status = 400

    def after_rollback(self) -> None:
        """Called once nothing is left of the action: for what has to be kept of a refusal all the same. Nothing, unless a kind says otherwise."""


class NotSignedIn(Refusal):
    """Nobody is known to be asking."""

    status = 401


class NotAllowed(Refusal):
    """The person may not do this there."""

    status = 403


class NeedsApproval(NotAllowed):
    """The action happens only through a proposal that others approve."""


class NotFound(Refusal):
    """No such thing, or none the person may see."""

    status = 404


class Conflict(Refusal):
    """It is there already, or another rule stands against it."""

    status = 409


class IllegalStep(Conflict):
    """The state machine has no such step."""


class OwnedElsewhere(Conflict):
    """Another system owns it and changes it; from there it comes here."""


class Gone(Refusal):
    """It was good once: expired or used up."""

    status = 410


class Stale(Refusal):
    """It was changed since it was read."""

    status = 412


class Invalid(Refusal):
    """The values cannot be."""

    status = 422


class TooOften(Refusal):
    """Asked more often than one person may."""

    status = 429
