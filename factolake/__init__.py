"""FactoLake: the one layer a factory's systems write to and read from.

Nothing heavy is imported here; each part is imported by the command that needs it.
"""

__version__ = "0.2.0.dev0"
