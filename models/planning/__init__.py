"""FactoPlan: engines that search for plans, and the door that chooses among them."""
