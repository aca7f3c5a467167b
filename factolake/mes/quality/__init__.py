"""Inspections, holds, nonconformances: what may be used and shipped, and why not."""
