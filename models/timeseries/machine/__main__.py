"""Compile the kernel and keep its machine code: what set-up runs once, so that no watch and no trial of a model waits for it."""

from models.timeseries.machine.following import warm_up

if __name__ == "__main__":
    warm_up()
