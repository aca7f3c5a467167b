"""What machines count of orders is booked as soon as the sync has brought it."""

from factolake.mes.core.jobs import job
from factolake.mes.production.count_turn import CountTurn

job("machine_counts", 10.0, CountTurn().turn)
