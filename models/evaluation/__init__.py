"""How good models are on recorded data, beside named peers: `suite` says what a benchmark is, a module each holds one."""
