"""Tables at addresses: http and https with the standard library, object stores and the rest through `fsspec`."""

from __future__ import annotations

import base64
import glob
import re
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.client import HTTPException, HTTPMessage
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlsplit, urlunsplit

from textgraft.data.sources.spool import BLOCK, Place, Spool
from textgraft.errors import DataError
from textgraft.extras import library
from textgraft.unicode import MOST_OF_A_PATH, quoted_path, shortened
from textgraft.wording import source_name

PATIENCE = 60  # seconds without an answer
_PACKAGES = {
    **dict.fromkeys(("s3", "s3a"), "s3fs"),
    **dict.fromkeys(("gs", "gcs"), "gcsfs"),
    **dict.fromkeys(("az", "abfs", "abfss"), "adlfs"),
    **dict.fromkeys(("sftp", "ssh"), "paramiko"),
    "smb": "smbprotocol",
}
_TYPES = {"text/csv": ".csv", "text/tab-separated-values": ".tsv", "application/json": ".json"}
_ANSWERS = {
    401: "it wants a user and a password: https://USER:PASSWORD@...",
    403: "it may not be read from here; it may need a login or a signed address",
    404: "there is no such page",
    410: "it is no longer there",
    429: "it was asked too often; try again later",
}


def fetched(address: str, spool: Spool) -> list[Place]:
    """Copies of the files at an address; a pattern of an object store names several, in the order of their names.

    Raises:
        DataError: there is no such file, it may not be read, it broke off, or the address is that of a page.
        MissingExtraError: it needs `fsspec`, which is not installed.
    """
    scheme = address.partition(":")[0].lower()
    if "::" not in address and scheme == "file":
        return [_local(address)]
    if "::" not in address and scheme in ("http", "https"):
        return [_downloaded(address, spool)]
    return _stored(address, scheme, spool)


def file_behind(address: str) -> str | None:
    """What is to be given in place of the address of a page that shows a file, for the pages that everybody copies."""
    parts = urlsplit(address)
    host, steps, query = (
        (parts.hostname or "").lower().removeprefix("www."),
        parts.path.split("/"),
        parse_qs(parts.query),
    )
    if host == "github.com" and steps[3:4] == ["blob"] and "raw" not in query:
        return f"https://raw.githubusercontent.com/{'/'.join([*steps[1:3], *steps[4:]])}"
    if host == "gist.github.com" and "raw" not in steps:
        return f"https://{host}{parts.path.rstrip('/')}/raw"
    if "/-/blob/" in parts.path or (host == "huggingface.co" and "/blob/" in parts.path):
        new = ("/-/blob/", "/-/raw/") if "/-/blob/" in parts.path else ("/blob/", "/resolve/")
        return f"https://{host}{parts.path.replace(*new, 1)}"
    if host == "huggingface.co" and steps[1:2] == ["datasets"] and len(steps) <= 4:
        return f"hf:/{parts.path}"
    if host == "docs.google.com" and (
        found := re.match(r"/spreadsheets/(?:u/\d+/)?d/([^/]+)/(?:edit|view)?$", parts.path)
    ):
        sheet = re.search(r"gid=(\d+)", f"{parts.query}#{parts.fragment}")
        more = f"&gid={sheet[1]}" if sheet else ""
        return f"https://{host}/spreadsheets/d/{found[1]}/export?format=csv{more}"
    if host == "drive.google.com" and (found := re.match(r"/file/d/([^/]+)", parts.path)):
        return f"https://{host}/uc?export=download&id={found[1]}"
    if host == "dropbox.com" and query.get("dl") == ["0"]:
        return "the same with dl=1 at its end in place of dl=0"
    return None


def reason(error: BaseException, address: str = "") -> str:
    """Why another library could not read something, as a clause without what is secret."""
    inner = getattr(error, "reason", None)
    error = inner if isinstance(inner, BaseException) else error
    if isinstance(error, TimeoutError):
        return f"no answer within {PATIENCE} seconds"
    said = str(getattr(error, "strerror", None) or error).strip().splitlines()
    first = (said[0] if said else type(error).__name__).rstrip(". ")
    first = first.replace(address, source_name(address)) if address else first
    return re.sub(r"\w[\w+.-]*://[^\s'\"]+", lambda found: source_name(found[0]), first)


def _local(address: str) -> Place:
    path = Path(urllib.request.url2pathname(urlsplit(address).path))
    if not path.exists():
        raise DataError(f"There is no file {quoted_path(path)}.")
    return Place(str(path), path)


def _downloaded(address: str, spool: Spool) -> Place:
    name = source_name(address)
    shown = shortened(name, MOST_OF_A_PATH)
    if link := file_behind(address):
        raise DataError(f"{shown} is a page that shows a file, not the file; give {link}.")
    try:
        with urllib.request.urlopen(_request(address), timeout=PATIENCE) as answer:
            length = int(answer.headers.get("Content-Length") or 0)
            file_name = _file_name(answer.headers, answer.url)
            return spool.copy(name, file_name, _all_of(answer, length), length or None)
    except urllib.error.HTTPError as error:
        error.close()
        said = _ANSWERS.get(error.code) or f"the server answered {error.code} {error.reason}".rstrip()
        raise DataError(
            f"{shown} cannot be downloaded: {said}{f' ({error.code})' if error.code in _ANSWERS else ''}."
        ) from None
    except (OSError, HTTPException, ValueError) as error:
        raise DataError(f"{shown} cannot be downloaded: {reason(error, address)}.") from None


def _request(address: str) -> urllib.request.Request:
    """The request for an address as a person writes it: with letters of any language, blanks, a user and a password."""
    parts = urlsplit(address.strip())
    host = (parts.hostname or "").encode("idna").decode()
    place = f"[{host}]" if ":" in host else host
    place += f":{parts.port}" if parts.port else ""
    safe = "%/:=&?~+!$,;'@()*[]|"
    path, query = quote(parts.path, safe=safe), quote(parts.query, safe=safe)
    request = urllib.request.Request(
        urlunsplit((parts.scheme, place, path, query, "")), headers={"User-Agent": "textgraft"}
    )
    if parts.username is not None:
        login = f"{unquote(parts.username)}:{unquote(parts.password or '')}"
        # Not for where this place may redirect to.
        request.add_unredirected_header("Authorization", f"Basic {base64.b64encode(login.encode()).decode()}")
    return request


def _file_name(headers: HTTPMessage, address: str) -> str:
    """What the server calls the file, else the end of its address, with an ending where its kind is said."""
    name = headers.get_filename() or PurePosixPath(unquote(urlsplit(address).path)).name
    return name if PurePosixPath(name).suffix else name + _TYPES.get(headers.get_content_type(), "")


def _all_of(stream: Any, length: int) -> Iterator[bytes]:
    done = 0
    while block := stream.read(BLOCK):
        done += len(block)
        yield block
    if done < length:
        raise ConnectionError(f"it broke off after {done:,} of {length:,} bytes")


def _stored(address: str, scheme: str, spool: Spool) -> list[Place]:
    name = source_name(address)
    shown = shortened(name, MOST_OF_A_PATH)
    fsspec = library("fsspec", f"Reading {scheme}:// addresses", "remote")
    try:
        system, path = fsspec.core.url_to_fs(address)
    except ImportError as error:
        package = _PACKAGES.get(scheme)
        said = f"{scheme}:// needs the package {package}: pip install {package}" if package else reason(error, address)
        raise DataError(f"{shown} cannot be read: {said}.") from None
    except FileNotFoundError:
        raise DataError(f"There is no file {shown}.") from None
    except Exception as error:  # of a store's own library
        if "Protocol not known" in str(error):
            raise DataError(
                f"{shown} cannot be read: {scheme}:// is no kind of address that is known here; there are http, https, "
                f"s3, gs, az, hf and others of fsspec."
            ) from None
        raise DataError(f"{shown} cannot be read: {reason(error, address)}.") from None
    rest = "".join(f"::{source_name(part)}" for part in address.split("::")[1:])
    try:
        if not glob.has_magic(path):
            return [_stored_file(system, path, name, spool)]
        found = sorted(item for item in system.glob(path) if not system.isdir(item))
        names = [source_name(system.unstrip_protocol(item)) + rest for item in found]
        places = [_stored_file(system, item, item_name, spool) for item, item_name in zip(found, names, strict=True)]
    except DataError:
        raise
    except FileNotFoundError:
        raise DataError(f"There is no file {shown}.") from None
    except PermissionError as error:
        raise DataError(
            f"{shown} may not be read with the credentials that are set here: {reason(error, address)}."
        ) from None
    except Exception as error:  # of a store's own library
        raise DataError(f"{shown} cannot be read: {reason(error, address)}.") from None
    if not places:
        raise DataError(f"No file matches {quoted_path(name)}.")
    return places


def _stored_file(system: Any, path: str, name: str, spool: Spool) -> Place:
    known = system.info(path)
    if known.get("type") == "directory":
        raise DataError(
            f"{name} is a folder; name a file of it, or several with a pattern such as '{name.rstrip('/')}/*.csv'."
        )
    size = int(known.get("size") or 0)
    with system.open(path, "rb") as stream:
        return spool.copy(name, PurePosixPath(path).name, _all_of(stream, size), size or None)
