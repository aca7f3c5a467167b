"""The approvals app."""

from django.apps import AppConfig


class ApprovalsConfig(AppConfig):
    """Its tables are named `approvals_*`."""

    name = "factolake.mes.approvals"
    label = "approvals"
    default_auto_field = "django.db.models.BigAutoField"
