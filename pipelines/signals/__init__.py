"""Models of machines on their way: minutes from the lake, a challenger, scores back into the lake, and whether the input still looks as it did."""

from factolake.contracts.silver_scores import SCORES
from factolake.contracts.table import Table

SCORED_TABLES: tuple[Table, ...] = (SCORES,)
"""What the scoring writes."""
