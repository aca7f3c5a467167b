"""The one error of this package."""

from factolake.errors import Permanent


class FileRefused(Permanent):
    """A file that is no problem or schedule in a known format: file, line or place in it, the value seen, what would be right."""
