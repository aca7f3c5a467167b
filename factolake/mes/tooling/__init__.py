"""Tools (ISA-95 physical assets) and how much of their life is used."""
