"""Documents of an ERP into rows: one pure module a format, `bytes -> rows`. What the rows then do is `exchange.applying`'s."""

from collections.abc import Callable, Iterator

from factolake.mes.exchange.parsing.b2mml import parse_b2mml
from factolake.mes.exchange.parsing.csv_rows import parse_csv
from factolake.mes.exchange.parsing.json_rows import parse_json
from factolake.mes.exchange.parsing.rows import FORMS, ParsedRow, RowError, RowForm

PARSERS: dict[str, Callable[[bytes, type[RowForm]], Iterator[ParsedRow | RowError]]] = {"csv": parse_csv, "json": parse_json, "b2mml": parse_b2mml}
"""The parser of each format."""

__all__ = ["FORMS", "PARSERS", "ParsedRow", "RowError", "RowForm"]
