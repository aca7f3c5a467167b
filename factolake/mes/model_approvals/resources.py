"""What can be read of approved models. All see them: a model belongs to no line."""

from factolake.mes.core.resource import resource
from factolake.mes.model_approvals.models import ModelPromotion

resource("model-promotions", ModelPromotion, filters=("model_name", "model_version", "proposal_id"), path_field="")
