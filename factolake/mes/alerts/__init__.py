"""Alerts: told to who is on shift, by page, e-mail and webhook, and escalated until somebody acknowledges them."""
