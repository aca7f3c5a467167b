"""KPIs after ISO 22400-2: formulas as data, transforms that fill them, and the explanation of one value down to its source rows."""
