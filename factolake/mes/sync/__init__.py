"""The door between the lake and the MES database: tables named `lake_*`, written by the sync and by nobody else."""
