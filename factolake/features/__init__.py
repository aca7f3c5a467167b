"""Features: what a machine's signals did in each minute and each cycle, and what a capture of its vibration tells, as pure numpy functions."""
