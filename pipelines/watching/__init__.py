"""The watch: readings of the spool into windows, scores and alerts while they arrive. `part` is the process, the rest is what it does."""
