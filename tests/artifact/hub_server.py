"""A stand-in for the Hugging Face Hub on loopback: what publishing and loading models, and reading data sets, take.

Uploads as in https://github.com/git-lfs/git-lfs/blob/main/docs/api/batch.md for large files, and one request of JSON
lines for the commit, as ``huggingface_hub`` sends them.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from threading import Event
from typing import Any
from urllib.parse import unquote, urlsplit

import yaml

from ..loopback import serving

USER, TOKEN = "ada", "hf_ada"
READ_ONLY = "hf_reader"
LARGE = (".safetensors", ".onnx", ".bin")


@dataclass
class Repository:
    """A model or data set: its commits, oldest first, each all of its files; and the names of some of these."""

    private: bool
    commits: list[tuple[str, dict[str, bytes]]] = field(default_factory=list)
    branches: dict[str, str] = field(default_factory=dict)
    gated: bool = False

    def commit(self, files: dict[str, bytes]) -> str:
        identity = repr([(name, hashlib.sha1(content).hexdigest()) for name, content in sorted(files.items())])
        oid = hashlib.sha1(f"{len(self.commits)} {identity}".encode()).hexdigest()
        self.commits.append((oid, files))
        return oid

    @property
    def files(self) -> dict[str, bytes]:
        return self.commits[-1][1]

    def at(self, revision: str) -> tuple[str, dict[str, bytes]] | None:
        if revision == "main":
            return self.commits[-1]
        return next((one for one in self.commits if one[0] == self.branches.get(revision, revision)), None)


@dataclass
class Hub:
    """What the server holds, and how it is told to fail.

    Attributes:
        url: of the server.
        cut: requests whose path contains this are read halfway, then the connection is closed.
        deaf: requests whose path contains this are carried out, but not answered.
        stall: requests whose path contains this wait until the server ends; ``stalled`` is set then.
        received: all bytes that came in, of any request.
    """

    url: str = ""
    repositories: dict[str, Repository] = field(default_factory=dict)
    large: dict[str, bytes] = field(default_factory=dict)
    received: list[bytes] = field(default_factory=list)
    cut: str = "never"
    deaf: str = "never"
    stall: str = "never"
    stalled: Event = field(default_factory=Event)
    ended: Event = field(default_factory=Event)


@contextmanager
def running_hub() -> Iterator[Hub]:
    """A Hub that answers until the block ends; the user ``ada`` may write to ``ada/...`` with the token ``hf_ada``."""
    hub = Hub()
    with serving(type("Answer", (_Answer,), {"hub": hub})) as hub.url:
        try:
            yield hub
        finally:
            hub.ended.set()


class _Answer(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    hub: Hub

    def log_message(self, *_: object) -> None:
        pass

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        if found := re.fullmatch(r"/api/(?:models|datasets)/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._info(found[1], found[2] or "main")
        elif found := re.fullmatch(r"/api/(?:models|datasets)/([^/]+/[^/]+)/tree/(.+)", path):
            self._tree(found[1], found[2])
        elif found := re.fullmatch(r"(?:/datasets)?/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._file(found[1], found[2], found[3])
        else:
            self._send(404, {"error": f"no such page: {path}"})

    do_HEAD = do_GET  # noqa: N815 - as the base class calls it

    def do_PUT(self) -> None:
        content = self._body()
        if content is None:
            return None
        oid = self.path.rsplit("/", 1)[1]
        if hashlib.sha256(content).hexdigest() != oid:
            return self._send(400, {"error": "the bytes are not those of the checksum"})
        self.hub.large[oid] = content
        return self._send(200, {})

    def do_POST(self) -> None:
        content = self._body()
        if content is None:
            return None
        path = unquote(urlsplit(self.path).path)
        if path == "/api/validate-yaml":
            return self._validate(json.loads(content)["content"])
        if self._token() not in (TOKEN, READ_ONLY):
            message = "Invalid credentials in Authorization header"
            return self._send(401, {"error": message}, {"X-Error-Message": message})
        if path == "/api/repos/create":
            return self._create(json.loads(content))
        found = re.fullmatch(r"(?:/api/models)?/([^/]+/[^/]+?)(?:\.git)?/(preupload|commit|info/lfs).*", path)
        if found is None or found[1] not in self.hub.repositories:
            return self._missing()
        if not self._may_write(found[1]):
            return None
        steps = {"preupload": self._preupload, "commit": self._commit, "info/lfs": self._batch}
        return steps[found[2]](found[1], content)

    def _create(self, asked: dict[str, Any]) -> None:
        name = f"{asked['organization']}/{asked['name']}"
        answer = {"url": f"{self.hub.url}/{name}", "name": name}
        if not self._may_write(name):
            return None
        if name in self.hub.repositories:
            return self._send(409, answer | {"error": "You already created this model repo"})
        self.hub.repositories[name] = Repository(asked.get("visibility") == "private" or bool(asked.get("private")))
        self.hub.repositories[name].commit({".gitattributes": b"*.safetensors filter=lfs\n"})
        return self._send(200, answer)

    def _validate(self, card: str) -> None:
        try:
            head = yaml.safe_load(card.split("---")[1])
            faults = [] if isinstance(head, dict) else [{"message": "the head is no mapping"}]
        except (IndexError, yaml.YAMLError) as error:
            faults = [{"message": str(error)}]
        self._send(400 if faults else 200, {"errors": faults, "warnings": []})

    def _preupload(self, _: str, content: bytes) -> None:
        def told(file: dict[str, Any]) -> dict[str, Any]:
            mode = "lfs" if file["path"].endswith(LARGE) else "regular"
            return {"path": file["path"], "uploadMode": mode, "shouldIgnore": False, "oid": None}

        self._send(200, {"files": [told(file) for file in json.loads(content)["files"]]})

    def _batch(self, _: str, content: bytes) -> None:
        objects = []
        for one in json.loads(content)["objects"]:
            actions = {"actions": {"upload": {"href": f"{self.hub.url}/lfs/{one['oid']}"}}}
            objects.append(one | ({} if one["oid"] in self.hub.large else actions))
        self._send(200, {"objects": objects, "transfer": "basic"})

    def _commit(self, name: str, content: bytes) -> None:
        repository = self.hub.repositories[name]
        files = dict(repository.files)
        for line in map(json.loads, content.splitlines()):
            value = line["value"]
            if line["key"] == "header" and value.get("parentCommit") not in (None, repository.commits[-1][0]):
                return self._send(412, {"error": "A commit has happened since. Please refresh and try again."})
            if line["key"] == "file":
                files[value["path"]] = base64.b64decode(value["content"])
            if line["key"] == "lfsFile":
                files[value["path"]] = self.hub.large[value["oid"]]
            if line["key"] == "deletedFile":
                del files[value["path"]]
        oid = repository.commit(files)
        return self._send(200, {"commitUrl": f"{self.hub.url}/{name}/commit/{oid}", "commitOid": oid})

    def _info(self, name: str, revision: str) -> None:
        found = self._readable(name, revision)
        if found:
            files = [{"rfilename": file, "size": len(content)} for file, content in sorted(found[1].items())]
            private = self.hub.repositories[name].private
            self._send(200, {"id": name, "sha": found[0], "private": private, "siblings": files})

    def _tree(self, name: str, revision: str) -> None:
        found = self._readable(name, revision)
        if found:
            files = found[1].items()
            self._send(200, [{"type": "file", "path": p, "size": len(c), "oid": _oid(c)} for p, c in sorted(files)])

    def _file(self, name: str, revision: str, file: str) -> None:
        found = self._readable(name, revision)
        if found is None:
            return None
        if file not in found[1]:
            return self._send(404, {"error": "Entry not found"}, {"X-Error-Code": "EntryNotFound"})
        content = found[1][file]
        return self._send(200, content, {"ETag": f'"{_oid(content)}"', "X-Repo-Commit": found[0]})

    def _readable(self, name: str, revision: str) -> tuple[str, dict[str, bytes]] | None:
        """A revision of a model that the sender of the request may see."""
        repository = self.hub.repositories.get(name)
        if repository is None or (repository.private and self._token() not in (TOKEN, READ_ONLY)):
            self._missing()
            return None
        if repository.gated:
            self._send(403, {"error": "Access is restricted"}, {"X-Error-Code": "GatedRepo"})
            return None
        found = repository.at(revision)
        if found is None:
            self._send(404, {"error": "Invalid rev id"}, {"X-Error-Code": "RevisionNotFound"})
        return found

    def _may_write(self, name: str) -> bool:
        if self._token() == TOKEN and name.startswith(f"{USER}/"):
            return True
        owner = name.partition("/")[0]
        self._send(403, {"error": f'You don\'t have the rights to create a model under the namespace "{owner}"'})
        return False

    def _missing(self) -> None:
        # The Hub does not tell strangers whether a model is private or not there.
        status = 404 if self._token() else 401
        self._send(status, {"error": "Repository not found"}, {"X-Error-Code": "RepoNotFound"})

    def _token(self) -> str:
        return self.headers.get("Authorization", "").removeprefix("Bearer ")

    def _body(self) -> bytes | None:
        """The content of a request; None where the connection is to break before it is all there."""
        size = int(self.headers.get("Content-Length") or 0)
        if self.hub.stall in self.path:
            self.hub.received.append(self.rfile.read(size // 2))
            self.hub.stalled.set()
            self.hub.ended.wait()
        if self.hub.cut in self.path:
            self.rfile.read(size // 2)
            self.close_connection = True
            self.connection.close()
            return None
        content = self.rfile.read(size) if size else self._chunks()
        self.hub.received.append(content)
        return content

    def _chunks(self) -> bytes:
        parts = []
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                parts.append(self.rfile.read(size))
                self.rfile.readline()
            self.rfile.readline()
        return b"".join(parts)

    def _send(self, status: int, content: Any, headers: dict[str, str] | None = None) -> None:
        body = content if isinstance(content, bytes) else json.dumps(content).encode()
        if self.hub.deaf in self.path:
            self.close_connection = True
            self.connection.close()
            return
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _oid(content: bytes) -> str:
    """As git numbers the content of a file."""
    return hashlib.sha1(f"blob {len(content)}\0".encode() + content).hexdigest()
