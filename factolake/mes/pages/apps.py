"""The pages app."""

from django.apps import AppConfig


class PagesConfig(AppConfig):
    """Its tables are named `pages_*`."""

    name = "factolake.mes.pages"
    label = "pages"
    default_auto_field = "django.db.models.BigAutoField"
