"""What can be read of approvals."""

from factolake.mes.approvals.models import Approval, KillSwitch, Proposal
from factolake.mes.core.resource import resource

resource("proposals", Proposal, filters=("state", "action", "key", "requested_by_id"))
resource("approvals", Approval, filters=("proposal_id", "person_id"))
resource("kill-switches", KillSwitch, filters=("is_on",))
