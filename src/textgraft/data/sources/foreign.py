"""Files that are no tables of text, or of programs whose files are not read: named, and what to do with them."""

from __future__ import annotations

import re
from dataclasses import dataclass
from itertools import pairwise

from textgraft.errors import DataError
from textgraft.wording import ADDRESS


@dataclass(frozen=True)
class Kind:
    """What a file is, and what to do with it."""

    what: str
    mend: str = "save its table as CSV or Parquet"


_UNPACK = "unpack it first"
_PYTHON = "it is never loaded, for it can run code; in Python, save its table as Parquet (to_parquet)"
_PANDAS = "read it with pandas and save it as Parquet (to_parquet)"
_DOCUMENT = "save its table as CSV"
_R = "in R, save its table with write.csv or arrow::write_parquet"

PICKLE = Kind("a pickle", _PYTHON)
PDF, RTF, WORD = (Kind(f"a {name} document", _DOCUMENT) for name in ("PDF", "rich text", "Word"))
HTML = Kind("an HTML page", "save its table as CSV (pandas: read_html)")
XML = Kind("an XML file", "save its rows as CSV or JSON (pandas: read_xml)")
ARFF = Kind("Weka's ARFF", "save it as CSV (Weka: CSVSaver; Python: scipy.io.arff)")
SPSS, STATA, SAS = (Kind(f"a file of {name}'s", _PANDAS) for name in ("SPSS", "Stata", "SAS"))
R_DATA = Kind("a file of R's", _R)
NUMPY, HDF, ORC, AVRO = (
    Kind(name, _PANDAS) for name in ("a NumPy array", "an HDF5 file", "an ORC file", "an Avro file")
)
FEATHER_1 = Kind("Feather of version 1", "save it anew (pandas: read_feather, to_parquet)")
TAR = Kind("a tar archive", "unpack it first (tar -xf) and name the table in it")
SEVEN_ZIP, RAR, LZ4, COMPRESS = (
    Kind(name, _UNPACK) for name in ("a 7z archive", "a RAR archive", "packed by lz4", "packed by compress")
)
ACCESS = Kind("an Access database", "export its table as CSV")
DUCKDB = Kind("a DuckDB database", "export its table: COPY ... TO 'table.parquet'")
PICTURE = Kind("a picture", "a table of texts is a CSV, JSON, Parquet or Excel file")
SLIDES = Kind("a PowerPoint file", _DOCUMENT)
NUMBERS = Kind("a Numbers, Pages or Keynote file", "export its table as CSV")
WEIGHTS = Kind("a file of a network's weights", "a table of texts is a CSV, JSON, Parquet or Excel file")

_MAGIC: tuple[tuple[int, bytes, Kind], ...] = (  # where, what stands there
    (0, b"%PDF-", PDF),
    (0, b"{\\rtf", RTF),
    (0, b"7z\xbc\xaf\x27\x1c", SEVEN_ZIP),
    (0, b"Rar!\x1a\x07", RAR),
    (0, b"\x04\x22\x4d\x18", LZ4),
    (0, b"\x1f\x9d", COMPRESS),
    (257, b"ustar", TAR),
    (0, b"\x93NUMPY", NUMPY),
    (0, b"\x89HDF\r\n", HDF),
    (0, b"Obj\x01", AVRO),
    (0, b"ORC\x08", ORC),
    (0, b"ORC\x0a", ORC),
    (0, b"FEA1\0", FEATHER_1),
    (0, b"$FL2@(#)", SPSS),
    (0, b"$FL3@(#)", SPSS),
    (0, b"<stata_dta>", STATA),
    (84, b"SAS FILE", SAS),
    (0, b"X\n\0\0\0", R_DATA),
    (0, b"RDX2\n", R_DATA),
    (0, b"RDX3\n", R_DATA),
    (4, b"Standard Jet DB", ACCESS),
    (4, b"Standard ACE DB", ACCESS),
    (8, b"DUCK", DUCKDB),
    (0, b"\x89PNG\r\n", PICTURE),
    (0, b"\xff\xd8\xff", PICTURE),
    (0, b"GIF89a", PICTURE),
    (0, b"GIF87a", PICTURE),
    *((0, bytes((0x80, version)), PICKLE) for version in (2, 3, 4, 5)),
)
_SUFFIXES = {
    **dict.fromkeys((".pkl", ".pickle", ".joblib", ".pt", ".pth"), PICKLE),
    **dict.fromkeys((".rds", ".rdata", ".rda"), R_DATA),
    **dict.fromkeys((".sav", ".zsav", ".por"), SPSS),
    **dict.fromkeys((".sas7bdat", ".xpt"), SAS),
    **dict.fromkeys((".npy", ".npz"), NUMPY),
    **dict.fromkeys((".h5", ".hdf5", ".hdf"), HDF),
    **dict.fromkeys((".html", ".htm"), HTML),
    **dict.fromkeys((".doc", ".docx", ".odt"), WORD),
    **dict.fromkeys((".ppt", ".pptx"), SLIDES),
    **dict.fromkeys((".numbers", ".pages"), NUMBERS),
    **dict.fromkeys((".mdb", ".accdb"), ACCESS),
    **dict.fromkeys((".png", ".jpg", ".jpeg", ".gif"), PICTURE),
    **{".dta": STATA, ".orc": ORC, ".avro": AVRO, ".xml": XML, ".pdf": PDF, ".rtf": RTF, ".arff": ARFF},
    **{".7z": SEVEN_ZIP, ".rar": RAR, ".tar": TAR, ".tgz": TAR, ".lz4": LZ4, ".duckdb": DUCKDB},
    **{".safetensors": WEIGHTS},
}
_HTML = re.compile(
    r"(?:<\?xml[^>]*>\s*|<!--(?:(?!-->).)*-->\s*)*<(?:!doctype\s+html|html\b|table\b)", re.IGNORECASE | re.DOTALL
)
_ARFF = re.compile(r"(?:[ \t\r]*(?:%[^\n]*)?\n)*[ \t\r]*@relation\s", re.IGNORECASE)
_RULER = re.compile(r"(?=.*(?:---|===))[|+\s:=-]*")  # the line under the names of a table drawn with characters


def check_magic(name: str, head: bytes) -> None:
    """Raises DataError for a file whose first bytes say that it is of a kind that is not read."""
    kind = next((kind for place, magic, kind in _MAGIC if head[place : place + len(magic)] == magic), None)
    if kind is not None:
        raise DataError(f"{name} is {kind.what}; {kind.mend}.")


def check_form(name: str, head: str, suffix: str) -> None:
    """Raises DataError for a text, or else a name, of a kind that is not read."""
    text = head.lstrip("\ufeff \t\r\n")
    check_page(name, text)
    kind = XML if text.startswith("<?xml") else ARFF if _ARFF.match(text) else None
    if kind is None and _is_drawn(text):
        kind = Kind("a table drawn with characters, as Markdown has it", "save it as CSV")
    if kind is not None:
        raise DataError(f"{name} is {kind.what}; {kind.mend}.")
    if suffix in _SUFFIXES:
        kind = _SUFFIXES[suffix]
        raise DataError(
            f"{name} is {kind.what} by its name; {kind.mend}. If it is delimited text all the same, say --format csv "
            f"(format='csv')."
        )


def check_page(name: str, head: str) -> None:
    """Raises DataError for a web page: a table of one, or what a server sends that wants a login or shows a file."""
    if _HTML.match(head.lstrip("\ufeff \t\r\n")):
        mend = f"{HTML.mend}."
        if ADDRESS.match(name):
            mend = (
                "the address may want a login, or be that of a page that shows the file. Give the file's own address."
            )
        raise DataError(f"{name} is {HTML.what}, not a table; {mend}")


def _is_drawn(text: str) -> bool:
    """Whether one of the first lines of a text is the rule of a drawn table, between lines with as many columns."""
    lines = [line.strip() for line in text.split("\n", 5)[:4]]
    for before, line in pairwise(lines):
        bars = max(line.count("|"), line.count("+"))
        if bars and _RULER.fullmatch(line) and before.count("|") == bars:
            return True
    return bool(lines) and lines[0].startswith("+-") and _RULER.fullmatch(lines[0]) is not None
