"""Proposals: typed actions that others approve, bound to their exact payload; the kill switch."""
