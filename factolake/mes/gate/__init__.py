"""The gate: the pages of Dagster, MLflow and metrics behind FactoMES's own login, on an address of their own (docs/adr: the gate)."""
