"""The actions of maintenance, a module a noun; loading this declares them."""

from factolake.mes.maintenance.actions import bookings, codes, orders, plans, requests

__all__ = ["bookings", "codes", "orders", "plans", "requests"]
