"""What is worked out from many rows about one: each query declared once. The REST address, its OpenAPI form and the table of rights are derived.

A query is a function `(rights, row, asked) -> answer` under a decorator. It changes nothing and is not audited. Single rows and lists are in
`resource`.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from ninja import Schema
from pydantic import ConfigDict

from factolake.domain.action import Role
from factolake.mes.core.record import Record
from factolake.mes.core.refusals import NotAllowed, NotFound
from factolake.mes.people.rights import Rights

Answer = dict[str, Any]
Body = Callable[[Rights, Any, Any], Answer]
F = TypeVar("F", bound=Body)


class Asked(Schema):
    """Base of a query's parameters: frozen, and an unknown one is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid")


@dataclass(frozen=True, slots=True)
class Query:
    """One declared query about a row of `model`. `name` is noun.verb; `answer` is the form of what `body` returns, for readers of the API."""

    name: str
    model: type[Record]
    form: type[Asked]
    answer: type[Schema]
    roles: frozenset[Role]
    body: Body
    doc: str

    @property
    def verb(self) -> str:
        """What is asked, the last part of the address."""
        return self.name.partition(".")[2]


QUERIES: dict[str, Query] = {}
"""Every query by its name; filled when the apps' `queries` modules are loaded."""


def query(
    name: str, model: type[Record], answer: type[Schema], form: type[Asked] = Asked, roles: frozenset[Role] = frozenset(Role)
) -> Callable[[F], F]:
    """Declare the function below as query `name` about a row of `model`, whose noun the name begins with.

    Raises ValueError when the name is taken or of another noun.
    """

    def declare(body: F) -> F:
        if name in QUERIES or not name.startswith(f"{model.NOUN}."):
            raise ValueError(f"query {name} is declared twice or is not about a {model.NOUN}; call it {model.NOUN}.VERB")
        QUERIES[name] = Query(name, model, form, answer, roles, body, (body.__doc__ or "").strip())
        return body

    return declare


def ask(declared: Query, rights: Rights, key: str, asked: Asked) -> Answer:
    """What the query says about the row with primary key `key`.

    Raises NotFound when there is no such row or none the person may see, NotAllowed when the person lacks the role at the row's place.
    """
    try:
        row = declared.model._default_manager.filter(pk=key).first()
    except (ValueError, TypeError):
        row = None
    if row is None or not rights.holds(frozenset(Role), row.place):
        raise NotFound(f"there is no {declared.model.NOUN} {key}")
    if not rights.holds(declared.roles, row.place):
        wanted = " or ".join(sorted(role.value for role in declared.roles))
        raise NotAllowed(f"{declared.name} is asked with the role {wanted} at {row.place or 'the enterprise'}; ask an administrator for it")
    return declared.body(rights, row, asked)
