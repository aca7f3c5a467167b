"""XML from strangers: read with expat, element by element. A DTD is refused, and with it every entity: no billion laughs, no file from elsewhere."""

from collections.abc import Iterator
from xml.etree.ElementTree import Element, TreeBuilder
from xml.parsers import expat

from factolake.mes.core.refusals import Invalid

_DEPTH_MAX = 50
_CHUNK = 1 << 16


def elements(document: bytes, name: str) -> Iterator[Element]:
    """Each outermost element `name` with all below it, without namespaces; memory holds some at a time. Raises Invalid for what is no safe XML."""
    reader = _Reader(name)
    try:
        for start in range(0, max(len(document), 1), _CHUNK):
            reader.parser.Parse(document[start : start + _CHUNK], False)
            yield from reader.drain()
        reader.parser.Parse(b"", True)
    except expat.ExpatError as error:
        raise Invalid(f"the document is no XML: {error}") from error
    yield from reader.drain()


class _Reader:
    """Expat's events into the elements that are wanted."""

    def __init__(self, name: str) -> None:
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _no_dtd
        self.parser.EntityDeclHandler = _no_dtd
        self.parser.ExternalEntityRefHandler = _no_dtd
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self.parser.CharacterDataHandler = self._data
        self._name, self._depth, self._began = name, 0, 0
        self._builder: TreeBuilder | None = None
        self._ready: list[Element] = []

    def drain(self) -> list[Element]:
        """What is complete since the last call."""
        ready, self._ready = self._ready, []
        return ready

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._depth += 1
        if self._depth > _DEPTH_MAX:
            raise Invalid(f"the document is nested more than {_DEPTH_MAX} deep; B2MML is not")
        local = name.rpartition(" ")[2]
        if self._builder is None and local == self._name:
            self._builder, self._began = TreeBuilder(), self._depth
        if self._builder is not None:
            self._builder.start(local, attributes)

    def _end(self, name: str) -> None:
        if self._builder is not None:
            self._builder.end(name.rpartition(" ")[2])
            if self._depth == self._began:
                self._ready.append(self._builder.close())
                self._builder = None
        self._depth -= 1

    def _data(self, text: str) -> None:
        if self._builder is not None:
            self._builder.data(text)


def _no_dtd(*_: object) -> int:
    raise Invalid("the document has a DTD or entities; send it without them")
