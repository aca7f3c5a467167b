"""Stand-ins that ship: a log in memory and a proxy that breaks connections. For tests, also those of people who extend FactoLake."""
