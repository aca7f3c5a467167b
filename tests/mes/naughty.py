"""Texts that are hard to store, to show or to leave alone, made by rule: each function is one kind. No list of somebody else's is in here."""

import itertools
import unicodedata
from collections.abc import Iterator

BLOCKS = (
    0x00A1, 0x0100, 0x0180, 0x0250, 0x02B0, 0x0370, 0x0400, 0x0531, 0x05D0, 0x0620, 0x0710, 0x0780, 0x0904, 0x0985, 0x0A05, 0x0A85, 0x0B05, 0x0B85,
    0x0C05, 0x0C85, 0x0D05, 0x0E01, 0x0E81, 0x0F40, 0x1000, 0x10D0, 0x1100, 0x1200, 0x13A0, 0x1401, 0x1780, 0x1820, 0x1E00, 0x1F00, 0x2010, 0x2070,
    0x20A0, 0x2100, 0x2150, 0x2190, 0x2200, 0x2300, 0x2460, 0x2500, 0x25A0, 0x2600, 0x2700, 0x2800, 0x2C00, 0x2D30, 0x2E80, 0x3041, 0x30A1, 0x3105,
    0x3131, 0x3400, 0x4E00, 0xA000, 0xAC00, 0xE000, 0xF900, 0xFB00, 0xFE30, 0xFF01, 0x10000, 0x10330, 0x10400, 0x12000, 0x13000, 0x1D400, 0x1F600,
    0x20000, 0xF0000,
)  # fmt: skip
BIDI = "\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
UNSEEN = "\u00ad\u034f\u180e\u200b\u200c\u200d\u2060\u2061\u2062\u2063\u2064\ufeff\ufffc\ufff9\U000e0041"
MARKS = "\u0300\u0301\u0308\u0323\u0327\u0338\u0489\u20dd"
BLANKS = "\t\n\r\x0b\x0c \u0085\u00a0\u1680\u2000\u2003\u2009\u2028\u2029\u202f\u205f\u3000"
SKINS, SIGNS, WORK = "🏻🏽🏿", ("♀", "♂"), "🔧🏭🔬🚒"


def blocks() -> Iterator[str]:
    for start in BLOCKS:
        yield "".join(chr(start + step) for step in range(6))


def directions() -> Iterator[str]:
    for control in BIDI:
        yield f"shaft {control}12-34 .exe{control} end"
        yield f"{control}abc"
    yield "ab עבר 12 ערב cd"
    yield "\u202eevil\u202c good \u2067nest\u2066ed\u2069\u2069"


def unseen() -> Iterator[str]:
    for letter in UNSEEN:
        yield from (f"{letter}x", f"x{letter}x", f"x{letter}")


def marks() -> Iterator[str]:
    for mark in MARKS:
        yield from (f"e{mark}", "o" + mark * 12, f"{mark}first")
    for form in ("NFC", "NFD", "NFKC", "NFKD"):
        yield unicodedata.normalize(form, "Å ﬁ ﷺ ½ ñ 가 ẛ̣")


def emoji() -> Iterator[str]:
    for skin, tool, sign in itertools.product(SKINS, WORK, SIGNS):
        yield f"👩{skin}\u200d{tool}{sign}\ufe0f"
    for first, second in itertools.pairwise("DEFRJPUSZZ"):
        yield chr(0x1F1E6 + ord(first) - 65) + chr(0x1F1E6 + ord(second) - 65)
    yield from (f"{digit}\ufe0f\u20e3" for digit in "019#*")


def script() -> Iterator[str]:
    for tag, event in itertools.product(
        ("img src=x", "svg", "body", "input autofocus", "details open", "video src=x"), ("onerror", "onload", "ontoggle")
    ):
        yield f"<{tag} {event}=alert(1)>"
    for close in ("", '">', "'>", "</title>", "</textarea>", "</style>", "-->", "]]>", "</script>", "`>"):
        yield f"{close}<script>alert(1)</script>"
    for scheme in ("javascript:", "JaVaScRiPt:", "java\tscript:", "data:text/html,", "vbscript:"):
        yield f'<a href="{scheme}alert(1)">x</a>'
    yield from (
        "&lt;b&gt;",
        "&amp;lt;",
        "&#60;b&#62;",
        "&#x3c;",
        "&nbsp;",
        "&",
        "&;",
        "&copy",
        "<!--",
        "<![CDATA[",
        "<?php",
        "<%=1%>",
        "<b",
        "b>",
        "<>",
    )
    yield from ("' onmouseover='alert(1)", '" style="x:expression(1)', "\\u003cscript\\u003e", "%3Cscript%3E", "+ADw-script+AD4-")


def queries() -> Iterator[str]:
    for quote, after in itertools.product(
        ("'", '"', "`", "')", "';"), (" OR 1=1 --", "; DROP TABLE orders; --", " UNION SELECT 1 #", "||(SELECT 1)||", "/*")
    ):
        yield f"x{quote}{after}"
    yield from ("%", "_", "a%b_c", "\\'", "''", "$$x$$", "@@version", ":name", "?", "$1", "LIKE '%'", "E'\\x41'", "{fn now()}")


def templates() -> Iterator[str]:
    for left, right in (
        ("{{", "}}"),
        ("${", "}"),
        ("#{", "}"),
        ("<%", "%>"),
        ("{%", "%}"),
        ("[[", "]]"),
        ("{", "}"),
        ("$(", ")"),
        ("`", "`"),
        ("{#", "#}"),
    ):
        yield from (f"{left} 7*7 {right}", f"{left}self.__class__{right}", f"{left} include x {right}")
    yield from ("%s", "%n", "%d%x%s%p", "%1$s", "{0}", "{}", "{name!r:>9}", "%(name)s", "%%", "\\1", "$&", "\\g<0>")


def paths() -> Iterator[str]:
    for depth, separator in itertools.product((1, 3, 9), ("../", "..\\", "%2e%2e/", "%252e%252e%252f", "..;/", "....//", "\uff0e\uff0e/")):
        yield separator * depth + "etc/passwd"
    yield from (
        "/",
        "//host/share",
        "\\\\host\\share",
        "C:\\con",
        "file:///etc",
        ".",
        "..",
        "~",
        "~root",
        "a/b",
        "a:b",
        "nul",
        "COM1",
        "LPT9.txt",
        "x.",
    )


def sheets() -> Iterator[str]:
    for first, rest in itertools.product(
        ("=", "+", "-", "@", "\t=", "\r=", "|", "%", "\uff1d"), ("1+1", "cmd|' /C calc'!A0", 'HYPERLINK("http://x","y")')
    ):
        yield first + rest
    yield from (',"a",', ";", '"', '""', 'a"b', "a\nb,c", "sep=;")


def numbers() -> Iterator[str]:
    yield from "0 -0 00 007 1e309 -1e-400 1_000 1,5 1.5.2 0x1F 0b1 0o7 NaN nan Inf -Infinity 1/0 1e5 ½ ² Ⅳ ٣ ３ 9007199254740993".split()
    yield from (str(2**bits) for bits in (31, 63, 64, 128))
    yield from ("1" * 30, "2026-02-30", "24:00", "1970-01-01T00:00:00Z", "10%", "1 000", "1\u202f000", "+1", "--1", "0.1e", ".5", "5.")


def controls() -> Iterator[str]:
    for code in (*range(1, 32), 127, *range(128, 160)):
        yield f"a{chr(code)}b"
    for code in (0xFFFE, 0xFFFF, 0x1FFFE, 0x10FFFF, 0xFDD0):
        yield f"a{chr(code)}b"
    yield from ("\x1b[31mred\x1b[0m", "\x1b]0;title\x07", "a\r\nSet-Cookie: x=1", "a\n\n<b>", "over\rwritten", "back\b\b\bspace", "bell\a")


def blanks() -> Iterator[str]:
    for blank in BLANKS:
        yield from (f"{blank}x", f"x{blank}", f"x{blank * 3}y")


def words() -> Iterator[str]:
    yield from (
        "null NULL None nil undefined true false TRUE yes no on off select from where order group table index primary constructor __proto__ prototype"
        " hasOwnProperty toString __init__ __class__ self this class def eval exec admin root system nobody anonymous CON PRN AUX default global *"
    ).split()
    yield from (
        "[object Object]",
        "function(){}",
        "() => 1",
        '{"a": 1}',
        "[1, 2]",
        '"quoted"',
        "'single'",
        "- yaml",
        "key: value",
        "---",
        "#",
        "//",
        "/* */",
    )
    yield from ("I i İ ı", "ß ẞ SS", "ǅ ǆ", "ς σ", "Ω Ω", "K K", "аdmin", "ⅰ", "ﬀ", "ŉ", "ﬃ", "ŀ")


def lengths() -> Iterator[str]:
    for letter, count in itertools.product(("x", "ä", "漢", "🏭", " y", "e\u0301", "<", "&", "'", "\\"), (30, 60)):
        yield letter * (count // len(letter))


KINDS = (
    blocks, directions, unseen, marks, emoji, script, queries, templates, paths, sheets, numbers, controls, blanks, words, lengths,
)  # fmt: skip


def texts() -> list[str]:
    """All of them, each once, in a fixed order."""
    return list(dict.fromkeys(text for kind in KINDS for text in kind()))


def packed(longest: int, among: list[str], between: str = " ¦ ") -> list[str]:
    """`among` joined into as few texts of at most `longest` characters as their order allows; what is longer alone is left out."""
    bins: list[str] = []
    for text in among:
        if len(text) > longest:
            continue
        if bins and len(bins[-1]) + len(between) + len(text) <= longest:
            bins[-1] += between + text
        else:
            bins.append(text)
    return bins
