"""Features: what a machine's signals did in each minute and each cycle, as pure numpy functions that batch and stream share."""
