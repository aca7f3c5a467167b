"""What actions of the exchange are asked with."""

from typing import Literal

from pydantic import Field

from factolake.mes.core.action import Form
from factolake.mes.production.forms import Id

DOCUMENT_LENGTH = 32 * 1024 * 1024


class ImportForm(Form):
    """A document of another system, as text; its rows are checked one by one."""

    UNCHECKED = frozenset({"document"})

    kind: Literal["materials", "bills", "routings", "alternatives", "deliveries", "orders", "operations", "progress"]
    format: Literal["csv", "json", "b2mml"]
    source_system: Id = Field(description="System the document is from; it owns the rows. A service brings its own only.")
    document: str = Field(min_length=1, max_length=DOCUMENT_LENGTH)


class AcceptForm(Form):
    """The ERP took a confirmation."""

    erp_document: str = Field(default="", max_length=64, description="The ERP's own number for it.")


class RefuseForm(Form):
    """The ERP refused a confirmation."""

    field: str = Field(default="", max_length=120)
    message: str = Field(min_length=1, max_length=500)


class WebhookForm(Form):
    """An address that is to be told of changes, and the secret it shares with us: the caller makes it, nobody sees it again."""

    url: str = Field(min_length=1, max_length=500)
    nouns: str = Field(max_length=500, pattern=r"^(\*|[a-z_]+( [a-z_]+)*)$", description="Kinds of rows separated by blanks, or * for all.")
    secret: str = Field(min_length=32, max_length=256)
