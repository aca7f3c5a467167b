"""What the actions of the pages are asked with."""

from pydantic import Field

from factolake.mes.core.action import Form
from factolake.mes.production.forms import Id


class DeviceForm(Form):
    """A tablet at a station; whoever enrols it makes its token and hands in the hash."""

    label: str = Field(min_length=1, max_length=120, description="What is written on the tablet.")
    equipment_id: Id
    hash: str = Field(min_length=64, max_length=64, pattern="^[0-9a-f]{64}$", description="SHA-256 of the device's token, hex.")
