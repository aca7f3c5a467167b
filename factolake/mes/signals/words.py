"""A machine's alert in words: as its page, an alert, a proposal and a maintenance request have it. The words themselves are the model's."""

from factolake.mes.signals.forms import one_line
from factolake.mes.signals.models import MachineAlert

_HEADLINE_MAX = 400
_TEXT_MAX, _CHECK_MAX = 4_000, 500


def headline(text: str) -> str:
    """The first line of an alert's text."""
    return one_line(text.strip().partition("\n")[0])[:_HEADLINE_MAX]


def described(alert: MachineAlert) -> str:
    """The alert as the description of a maintenance request: its words, what to look at first, and where it stands."""
    check = f"\nCheck first: {alert.check_text[:_CHECK_MAX]}" if alert.check_text and alert.check_text not in alert.text_en else ""
    return f"{alert.text_en.strip()[:_TEXT_MAX]}{check}\nAlert {alert.alert_id} on the page Signals."
