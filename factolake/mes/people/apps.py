"""The people app."""

from django.apps import AppConfig


class PeopleConfig(AppConfig):
    """Its tables are named `people_*`."""

    name = "factolake.mes.people"
    label = "people"
    default_auto_field = "django.db.models.BigAutoField"
