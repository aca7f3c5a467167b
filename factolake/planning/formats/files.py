"""The door: a file, a member of a zip archive, or the standard input, read as a problem in the format that its content shows."""

import gzip
import json
import sys
import zipfile
import zlib
from difflib import get_close_matches
from io import BytesIO
from pathlib import Path

from factolake.domain.job import InvalidProblem, Problem
from factolake.planning.formats.flexible import flexible_json, flexible_text
from factolake.planning.formats.jobshop import jobshop_text
from factolake.planning.formats.lines import numbered_lines
from factolake.planning.formats.own import problem_of
from factolake.planning.formats.refusal import FileRefused

MAX_BYTES = 256 << 20
"""More is no problem file; what is packed is not unpacked beyond it."""


def read(path: str | Path) -> Problem:
    """The problem in a file, packed by gzip or not; `-`: in the standard input. `archive.zip:member` names a file inside an archive; an archive of
    one file needs no member.

    Raises FileRefused with the line (or the place in JSON) and what is wrong there.
    """
    return parsed(text_of(path), Path(path).name)


def parsed(text: str, name: str) -> Problem:
    """The problem that `text` is, by its content: JSON of ours or of flexible shops, job shop text, or flexible shop text. `name` is for refusals."""
    try:
        if text.lstrip().startswith(("{", "[")):
            document = document_of(text)
            return flexible_json(document) if "precedences" in document else problem_of(document)
        lines = numbered_lines(text)
        return flexible_text(lines) if _is_flexible(lines) else jobshop_text(lines)
    except (FileRefused, InvalidProblem) as error:
        raise FileRefused(f"{name}: {error}") from error


def document_of(text: str) -> dict[str, object]:
    """A JSON object. Raises FileRefused with the line where it is none."""
    try:
        document = json.loads(text)
    except json.JSONDecodeError as error:
        raise FileRefused(f"line {error.lineno} is not JSON: {error.msg} at column {error.colno}") from error
    except (ValueError, RecursionError) as error:
        raise FileRefused("line 1 is not JSON of a problem: it is nested too deep, or has a number of thousands of digits") from error
    if not isinstance(document, dict):
        raise FileRefused(f"line 1: the JSON is a {type(document).__name__}; give an object")
    return document


def text_of(path: str | Path) -> str:
    """The text of a file, of a member of an archive, or of the standard input (`-`). Raises FileRefused."""
    file, member = _split(str(path))
    content, name = _content(file), Path(path).name
    if member is not None:
        content = _unpacked(content, file.name, member)
    # The industrial instances of the public collection are archives of one file under a text file's name.
    if content.startswith(b"\x1f\x8b"):
        content = _gunzipped(content, name)
    elif content.startswith(b"PK"):
        content = _unpacked(content, name, None)
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise FileRefused(f"{name}: line {line} is not text in UTF-8 (byte {content[error.start]:#04x}); give a text file") from error


def _content(file: Path) -> bytes:
    try:
        if str(file) == "-":
            content = sys.stdin.buffer.read(MAX_BYTES + 1)
        elif file.is_dir():
            raise FileRefused(f"{file} is a folder; give a file in it")
        else:
            with file.open("rb") as stream:
                content = stream.read(MAX_BYTES + 1)
    except FileNotFoundError as error:
        raise FileRefused(f"{file}: there is no such file; give a file, or archive.zip:member") from error
    except (OSError, ValueError) as error:
        why = error.strerror if isinstance(error, OSError) else str(error)
        raise FileRefused(f"{str(file)!r} could not be read ({why}); give a file that you may read") from error
    return _small(content, file.name)


def _small(content: bytes, name: str) -> bytes:
    if len(content) > MAX_BYTES:
        raise FileRefused(f"{name} has more than {MAX_BYTES} bytes; a problem has at most so many")
    return content


def _gunzipped(content: bytes, name: str) -> bytes:
    try:
        with gzip.open(BytesIO(content)) as stream:
            return _small(stream.read(MAX_BYTES + 1), f"{name}, unpacked,")
    except (OSError, EOFError, zlib.error) as error:
        raise FileRefused(f"{name} is no readable gzip file: {error}; pack it anew") from error


def _split(path: str) -> tuple[Path, str | None]:
    file, colon, member = path.partition(".zip:")
    return (Path(file + ".zip"), member) if colon and not Path(path).exists() else (Path(path), None)


def _unpacked(content: bytes, name: str, member: str | None) -> bytes:
    try:
        with zipfile.ZipFile(BytesIO(content)) as archive:
            names = [one.filename for one in archive.infolist() if not one.is_dir()]
            if member is None and len(names) != 1:
                raise FileRefused(f"{name} holds {len(names)} files; say which as {name}:MEMBER, for example {names[0] if names else 'a.txt'}")
            wanted = names[0] if member is None else member
            if wanted not in names:
                like = get_close_matches(wanted, names, 3, 0.5) or names[:3]
                raise FileRefused(f"{name} holds no {wanted!r}; it holds {len(names)} files, among them {', '.join(like)}")
            size = archive.getinfo(wanted).file_size
            if size > MAX_BYTES:
                raise FileRefused(f"{name}: {wanted} has {size} bytes unpacked; a problem has at most {MAX_BYTES}")
            return archive.read(wanted)
    except (zipfile.BadZipFile, zlib.error, NotImplementedError, RuntimeError, EOFError) as error:
        raise FileRefused(f"{name} is no readable zip archive: {error}; pack it anew") from error


def _is_flexible(lines: list[tuple[int, list[str]]]) -> bool:
    """Flexible text has a third value in its first line (options an operation, an average), or lines that are no pairs of machine and duration."""
    if not lines or len(lines[0][1]) > 2:
        return True
    values = lines[0][1]
    if len(values) < 2 or not all(value.isdigit() for value in values):
        return False
    jobs, machines = int(values[0]), int(values[1])
    return not all(
        len(line) % 2 == 0 and all(value == "-1" or (value.isdigit() and int(value) < machines) for value in line[::2])
        for _, line in lines[1 : jobs + 1]
    ) and _reads_as_flexible(lines[1 : jobs + 1])


def _reads_as_flexible(lines: list[tuple[int, list[str]]]) -> bool:
    for _, line in lines:
        place = 1
        for _ in range(int(line[0]) if line[0].isdigit() else 0):
            if place >= len(line) or not line[place].isdigit():
                return False
            place += 1 + 2 * int(line[place])
        if place != len(line):
            return False
    return True
