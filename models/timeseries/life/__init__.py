"""What remaining life is told from: units, the regimes they run in, factors fused of their sensors, and what a history tells of them by row."""
