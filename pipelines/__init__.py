"""The top of the import graph: commands, the supervisor, Dagster and the refinery loop. Libraries below never import it."""
