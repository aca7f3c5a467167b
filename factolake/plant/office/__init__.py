"""The people and the ERP around the simulated line, as FactoMES knows them: over its REST API alone, like anybody else's programs.

`crew` and `erp` say what is done when the line does something, as values; `client` and `run` do it. FactoMES's own code is never imported here.
"""
