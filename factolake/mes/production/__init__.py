"""Materials, orders, operations, lots, and what was made and consumed."""
