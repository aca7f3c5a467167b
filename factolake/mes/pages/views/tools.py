"""Pages of other programs behind this login; they have an address of their own, the gate's."""

from django.conf import settings
from django.http import HttpRequest, HttpResponse

from factolake.domain.action import Role
from factolake.mes.pages.access import page, show

_WHAT_FOR = {"dagster": "Pipelines: runs, schedules, materialised tables.", "mlflow": "Models: trainings, versions, scores."}


@page(Role.ENGINEER, Role.ADMIN)
def tools(request: HttpRequest) -> HttpResponse:
    """A link to each; none when the gate is off."""
    port, names = settings.FACTOMES_GATE
    host = request.get_host().rpartition(":")[0] or request.get_host()
    base = f"{request.scheme}://{host}:{port}"
    return show(request, "tools", {"tools": [(name, f"{base}/{name}/", _WHAT_FOR.get(name, "")) for name in names] if port else []})
