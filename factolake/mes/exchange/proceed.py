"""Documents that came in are worked off part by part, as the person or service that brought them."""

import logging
from datetime import datetime

from django.db.utils import InterfaceError, OperationalError

from factolake.mes.core.action import ACTIONS, Request, parse_form, perform
from factolake.mes.core.call import Call
from factolake.mes.core.refusals import Refusal
from factolake.mes.exchange.erp import rights_of_bringer
from factolake.mes.exchange.models import ErpImport, ImportState

_log = logging.getLogger(__name__)


def proceed_once(now: datetime) -> bool:
    """Apply the next part of the oldest document that is not done; False when there is none.

    Whoever calls this again and again leaves a tenth of a second between: SQLite's other writers get in then. A document that is refused, as one
    whose bringer may not any more, stays as far as it came and keeps no other; it is tried again each time.
    """
    action = ACTIONS["erp_import.proceed"]
    for document in ErpImport.objects.filter(state=ImportState.RUNNING.value).select_related("imported_by").order_by("pk"):
        try:
            request = Request(action, str(document.pk), parse_form(action, {}))
            perform(Call(document.imported_by, now, "import"), request, rights_of_bringer(document.imported_by))
        except (OperationalError, InterfaceError):
            raise  # the database's, not the document's
        except Refusal as refused:
            _log.warning("import %s waits: %s", document.pk, refused)
        except Exception:  # a fault in one document is told with its place and does not keep the others
            _log.exception("import %s waits", document.pk)
        else:
            return True
    return False
