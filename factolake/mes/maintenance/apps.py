"""The maintenance app."""

from django.apps import AppConfig


class MaintenanceConfig(AppConfig):
    """Its tables are named `maintenance_*`."""

    name = "factolake.mes.maintenance"
    label = "maintenance"
    default_auto_field = "django.db.models.BigAutoField"
