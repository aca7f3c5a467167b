"""The personnel app."""

from django.apps import AppConfig


class PersonnelConfig(AppConfig):
    """Its tables are named `personnel_*`."""

    name = "factolake.mes.personnel"
    label = "personnel"
    default_auto_field = "django.db.models.BigAutoField"
