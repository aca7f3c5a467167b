"""The audit chain: one entry an action, each bound to the one before by its hash; seals make a cut or rewritten chain show."""
