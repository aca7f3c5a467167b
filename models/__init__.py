"""Models: what learns, scores and plans. The layer above `factolake`; only pipelines and notebooks use it."""
