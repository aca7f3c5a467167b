"""Maintenance: requests, orders with their clocks and failure codes, preventive plans."""
