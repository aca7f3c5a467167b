"""The actions of production, a module a noun; loading this declares them."""

from factolake.mes.production import ownership, parts
from factolake.mes.production.actions import counts, deliveries, interruptions, lots, materials, operations, orders

__all__ = ["counts", "deliveries", "interruptions", "lots", "materials", "operations", "orders", "ownership", "parts"]
