"""What runs by the clock: checks and upkeep."""
