"""The asset graph: one asset a table, derived from contracts and refinements."""
