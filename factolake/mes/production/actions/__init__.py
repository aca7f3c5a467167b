"""The actions of production, a module a noun; loading this declares them."""

from factolake.mes.production.actions import lots, materials, operations, orders

__all__ = ["lots", "materials", "operations", "orders"]
