"""What a promotion is asked with."""

from pydantic import Field

from factolake.mes.core.action import Form


class PromotionForm(Form):
    """One version of one model with one hash."""

    name: str = Field(max_length=100, pattern=r"^[a-z0-9]+([._-][a-z0-9]+){0,9}$", description="The model, e.g. signals.l1-m2.")
    version: int = Field(ge=1, le=999_999_999, description="Its version in the registry of models.")
    sha256: str = Field(pattern="^[0-9a-f]{64}$", description="Hash of the version's files, as the registry has it.")
