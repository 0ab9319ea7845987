"""What OpenVINO's ``.xml`` asks for, read before the library reads it: a network in this form, its weights in the .bin.

OpenVINO looks at the content of a file, whatever its name, and reads ONNX, TensorFlow and others, which may name
further files. So what does not begin as OpenVINO writes it is refused. Its own form holds layers and edges; graphs
within layers (``Loop``, ``If``, ``TensorIterator``) and layers of extensions are none that an export has.
"""

from __future__ import annotations

import re
from typing import Final
from xml.parsers import expat

from textgraft.errors import ArtifactError
from textgraft.unicode import quoted

MOST_BYTES: Final = 256 << 20  # of the .xml, which holds no weights
MOST_WEIGHTS: Final = 16 << 30  # bytes of the .bin
# Nothing before the network, so that no entities are declared.
BEGINNING: Final = re.compile(rb'<\?xml version="1\.0"( encoding="(utf|UTF)-8")?\?>\s*<net ')
ELEMENTS: Final = {"net", "layers", "layer", "data", "input", "output", "port", "dim", "edges", "edge"}
NOTES: Final = "rt_info"  # where what made the network remarks on it
DEEPEST: Final = 32  # elements in each other


def check_openvino(content: bytes, weights: int, file: str) -> None:
    """Checks that a file holds one plain network, whose weights lie in the ``weights`` bytes beside it.

    Raises:
        ArtifactError: it is none, or names another file, or holds what is not known here.
    """
    try:
        if not BEGINNING.match(content):
            raise _UnknownError("it does not begin as OpenVINO's own files do")
        _Reader(weights).read(content)
    except (_UnknownError, expat.ExpatError) as error:
        raise ArtifactError(
            f"{file} is not read: {error}. An export holds one network in OpenVINO's own form, and names no other "
            "file. Export the model again."
        ) from None


class _UnknownError(Exception):
    """What a file holds and an export does not, as a clause."""


class _Reader:
    def __init__(self, weights: int) -> None:
        self._weights = weights
        self._open: list[str] = []
        self._constant = False

    def read(self, content: bytes) -> None:
        parser = expat.ParserCreate("utf-8")
        parser.StartElementHandler = self._began
        parser.EndElementHandler = self._ended
        parser.Parse(content, True)

    def _began(self, name: str, values: dict[str, str]) -> None:
        self._open.append(name)
        if len(self._open) > DEEPEST:
            raise _UnknownError("its elements are nested too deeply")
        if NOTES in self._open:
            if "path" in name.lower():
                raise _UnknownError(f"it has the note {quoted(name)}")
            return
        if name not in ELEMENTS:
            raise _UnknownError(f"it has the element {quoted(name)}")
        if name == "layer":
            self._constant = values.get("type") == "Const"
            if not re.fullmatch(r"opset\d+", values.get("version", "")):
                raise _UnknownError(
                    f"it asks for the layer {quoted(values.get('type'))} of {quoted(values.get('version'))}"
                )
        if name == "data" and self._constant:
            offset, size = values.get("offset", ""), values.get("size", "")
            whole = all(re.fullmatch(r"[0-9]{1,18}", number) for number in (offset, size))
            if not whole or int(offset) + int(size) > self._weights:
                raise _UnknownError(
                    f"a constant has {quoted(size)} bytes from {quoted(offset)} on, of {self._weights:,}"
                )

    def _ended(self, _: str) -> None:
        self._open.pop()
