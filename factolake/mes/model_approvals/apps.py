"""The app of approved models."""

from django.apps import AppConfig


class ModelApprovalsConfig(AppConfig):
    """Its tables are named `model_approvals_*`."""

    name = "factolake.mes.model_approvals"
    label = "model_approvals"
    default_auto_field = "django.db.models.BigAutoField"
