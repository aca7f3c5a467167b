"""The equipment app."""

from django.apps import AppConfig


class EquipmentConfig(AppConfig):
    """Its tables are named `equipment_*`."""

    name = "factolake.mes.equipment"
    label = "equipment"
    default_auto_field = "django.db.models.BigAutoField"
