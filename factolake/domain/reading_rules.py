"""Which readings silver takes, as numbers and words that both its readers share: the refinement `readings` and the watch over the spool."""

from datetime import UTC, datetime, timedelta

OLDEST = datetime(1990, 1, 1, tzinfo=UTC)
"""What is stamped earlier comes from a clock that was never set."""

CLOCK_STEP = timedelta(hours=1)
"""A source whose order is the sequence and that goes further back than this had its clock set back."""

NUMERAL = r"^\s*[+-]?((([0-9]+\.?[0-9]*)|(\.[0-9]+))([eE][+-]?[0-9]+)?|[nN][aA][nN]|[iI][nN][fF]([iI][nN][iI][tT][yY])?)\s*$"
"""What both engines read alike; by itself JVM Spark takes "5F", "1d" and "0x1p3" for numbers, which are far likelier hexadecimal words."""

ABSENT = ("", "UNAVAILABLE")
"""Words of a source, in capitals, for a number that it does not have."""

F64_EXACT = 2.0**53
"""Whole numbers up to this have a float of their own."""
