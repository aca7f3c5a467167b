"""What was tried, and which models may score: runs in MLflow's store, and models as bundles of our own that are verified before they are parsed.

`Registry` keeps runs. Models are in `catalogue` (registration, promotion, rollback), `serving` (the last good one keeps scoring), `comparison`
(champion and challenger over the same rows). MLflow's loaders are never called: it holds names, versions, tags and aliases, and no code.
"""

from models.registry.door import SILENT
from models.registry.runs import PLANS, Registry, Run

__all__ = ["PLANS", "SILENT", "Registry", "Run"]
