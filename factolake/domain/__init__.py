"""The plant's nouns as frozen values. Standard library only: no IO, no clock of its own, no DataFrame."""
