"""Compile all searches and keep their machine code: what set-up runs once, so that nobody's first plan waits for it."""

from importlib import import_module

from models.planning.settings import OWN

if __name__ == "__main__":
    for engine in OWN:
        import_module(f"models.planning.{engine}").warm_up()
