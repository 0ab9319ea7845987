"""Data sets of the Hugging Face Hub, as ``hf://datasets/OWNER/NAME``: which files they are, and copies of these."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from textgraft.data.sources.part_names import part_of
from textgraft.data.sources.remote import reason
from textgraft.data.sources.spool import Place
from textgraft.errors import DataError, did_you_mean, listed
from textgraft.extras import library
from textgraft.progress import track
from textgraft.unicode import quoted, quoted_path

_ADDRESS = re.compile(
    r"hf://datasets/(?P<name>[^/@:]+(?:/[^/@:]+)?)"
    r"(?:@(?P<revision>refs/(?:convert|pr)/[^/:]+|[^/:]+))?(?::(?P<config>[^/]+))?(?:/(?P<path>.*))?"
)
_SHARD = re.compile(r"(?:.*/)?([^/]+?)-\d{5}-of-\d{5}[^/]*")
_NO_DATA = re.compile(
    r"(?:.*/)?(?:\..*|README.*|LICENSE.*|requirements\.txt|dataset_infos?\.json|dataset_dict\.json|state\.json)",
    re.IGNORECASE,
)
_CONVERTED = "refs/convert/parquet"


@dataclass(frozen=True)
class _Repository:
    """A data set at one revision: its files, and how to get one of them here."""

    name: str
    address: str
    files: tuple[str, ...]
    revision: str | None
    offline: bool

    def get(self, file: str) -> Path:
        from huggingface_hub import hf_hub_download

        return Path(
            hf_hub_download(self.name, file, repo_type="dataset", revision=self.revision, local_files_only=self.offline)
        )


Parts = dict[str, list[str]]  # split ("" where there is none) -> files


def data_set(address: str, formats: Mapping[str, str]) -> list[Place]:
    """The data files of a data set of the Hub, here on this disk.

    Args:
        address: ``hf://datasets/OWNER/NAME``, with ``@REVISION`` and ``:CONFIG`` behind the name, and a file, a folder
            or a pattern of it behind that.
        formats: what files are read, by their endings.

    Raises:
        DataError: there is no such data set, or it may not be read; or it has several configurations and none is named;
            or several kinds of files.
        MissingExtraError: huggingface_hub is not installed.
    """
    asked = _ADDRESS.fullmatch(address)
    if asked is None:
        raise DataError(
            f"{quoted_path(address)} is no data set of the Hub; these are named as hf://datasets/OWNER/NAME."
        )
    library("huggingface_hub", "Reading data sets of the Hub", "hub")
    revision = (asked["revision"] or "").replace("%2F", "/").replace("~parquet", _CONVERTED) or None
    base = f"hf://datasets/{asked['name']}" + (f"@{asked['revision']}" if asked["revision"] else "")
    with _explained(address, asked["name"]):
        repository = _opened(asked["name"], base, revision)
        parts, note = _chosen(repository, asked["config"], asked["path"] or "", formats)
        wanted = [(split, file) for split, files in parts.items() for file in files]
        paths = [repository.get(file) for _, file in track(wanted, f"downloading {base}", len(wanted))]
    if repository.offline:
        note += f" The Hub cannot be asked; these are copies of {base} that were downloaded before."
    places = [Place(f"{base}/{file}", path, split=split) for (split, file), path in zip(wanted, paths, strict=True)]
    return [Place(places[0].name, places[0].path, split=places[0].split, note=note.strip()), *places[1:]]


def _opened(name: str, address: str, revision: str | None) -> _Repository:
    """What the Hub has now; where it cannot be asked, what was downloaded before."""
    from huggingface_hub import HfApi, snapshot_download
    from huggingface_hub.errors import HfHubHTTPError

    found: dict[str, Any] = {"repo_id": name, "repo_type": "dataset", "revision": revision}
    try:
        info = HfApi(library_name="textgraft").dataset_info(name, revision=revision)
        # The card, which is small; and the client notes which commit a branch is at, for when there is no connection.
        commit = Path(snapshot_download(**found, allow_patterns="README.md")).name
        return _Repository(name, address, tuple(sorted(file.rfilename for file in info.siblings or ())), commit, False)
    except HfHubHTTPError:
        raise
    except Exception:  # no connection, in the words of several libraries
        try:
            folder = Path(snapshot_download(**found, local_files_only=True))
        except Exception:
            folder = None
        if folder is None:
            raise
        files = sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
        return _Repository(name, address, tuple(files), folder.name, True)


def _chosen(repository: _Repository, config: str | None, path: str, formats: Mapping[str, str]) -> tuple[Parts, str]:
    """The files to read, and what is to be said of the choice."""
    if path:
        if config is not None:
            raise DataError(f"{repository.address}: give a configuration (:{config}) or files (/{path}), not both.")
        inside = _matching(repository.files, path)
        if not inside:
            near = did_you_mean(path, repository.files)
            raise DataError(
                f"{repository.address} has no file {quoted_path(path)}.{near} It has {listed(repository.files, 12)}."
            )
        return ({"": inside}, "") if path in repository.files else _by_names(repository.address, inside, formats)
    configs = _configurations(repository)
    if configs:
        name = _configuration(repository.address, configs, config)
        files, more = _declared(repository, configs[name], formats)
        only = "" if len(configs) == 1 else f" Configuration {quoted_path(name)} of {repository.address} is read."
        return files, f"{more}{only}".strip()
    if config is not None:
        raise DataError(f"{repository.address} has no configurations; leave out ':{config}'.")
    return _by_names(repository.address, repository.files, formats)


def _configuration(address: str, configs: Mapping[str, Any], wanted: str | None) -> str:
    if wanted is not None:
        if wanted not in configs:
            raise DataError(
                f"{address} has no configuration {quoted(wanted)}; it has {listed(configs, 20)}."
                f"{did_you_mean(wanted, configs)}"
            )
        return wanted
    default = [name for name, config in configs.items() if config.get("default") is True]
    if len(configs) > 1 and len(default) != 1:
        raise DataError(
            f"{address} has {len(configs)} configurations ({listed(configs, 20)}); say which, as in "
            f"{address}:{next(iter(configs))}."
        )
    return default[0] if default else next(iter(configs))


def _configurations(repository: _Repository) -> dict[str, dict[str, Any]]:
    """The configurations that the card declares, by name; those of the Hub's own Parquet copies by their folders."""
    if all(re.fullmatch(r"[^/]+/[^/]+/\d+\.parquet|\.gitattributes", file) for file in repository.files):
        names = dict.fromkeys(file.split("/")[0] for file in repository.files if "/" in file)
        return {name: {"data_dir": name} for name in names}
    if "README.md" not in repository.files:
        return {}
    yaml = library("yaml", "Reading data sets of the Hub", "hub")
    card = repository.get("README.md").read_text("utf-8", "replace")
    head = re.match(r"\ufeff?---\s*\n(.*?)\n---\s*(?:\n|$)", card, re.DOTALL)
    try:
        content = yaml.safe_load(head[1]) if head else None
    except yaml.YAMLError:
        return {}
    configs = content.get("configs") if isinstance(content, dict) else None
    given = [each for each in configs if isinstance(each, dict)] if isinstance(configs, list) else []
    return {str(config.get("config_name", "default")): config for config in given}


def _declared(repository: _Repository, config: Mapping[str, Any], formats: Mapping[str, str]) -> tuple[Parts, str]:
    folder = str(config.get("data_dir") or "").strip("/")
    declared = config.get("data_files")
    if not declared:
        return _by_names(repository.address, _matching(repository.files, folder or "**"), formats)
    if isinstance(declared, dict):
        declared = [{"split": split, "path": path} for split, path in declared.items()]
    parts: Parts = {}
    for entry in [declared] if isinstance(declared, str) else declared:
        split, paths = (str(entry["split"]), entry["path"]) if isinstance(entry, dict) else ("", entry)
        for path in [paths] if isinstance(paths, str) else paths:
            files = _matching(repository.files, f"{folder}/{path}".lstrip("/"))
            if not files:
                raise DataError(
                    f"The card of {repository.address} names {quoted_path(path)}, and there is no such file."
                )
            parts.setdefault(split, []).extend(file for file in files if file not in parts.get(split, []))
    return parts, ""


def _by_names(address: str, files: Sequence[str], formats: Mapping[str, str]) -> tuple[Parts, str]:
    """The data among some files, each with the split that its name or a folder of it says."""
    data = {file: kind for file in files if (kind := _kind(file, formats)) and not _NO_DATA.fullmatch(file)}
    tables = [file for file in data if not file.endswith(".txt")] or list(data)
    splits = {file: _split(file) for file in tables}
    named = [file for file in tables if splits[file]] or tables
    kinds = dict.fromkeys(data[file] for file in named)
    if not named:
        there = f"it has {listed(files, 8)}" if files else "it is empty"
        raise DataError(
            f"{address} has no table that is read here: {there}. The Hub may have it as Parquet: "
            f"{address.partition('@')[0]}@{_CONVERTED}."
        )
    if len(kinds) > 1:
        raise DataError(
            f"{address} has files of {len(kinds)} formats ({listed(named, 8)}); name those to read, as in "
            f"{address}/{named[0]}."
        )
    order = {split: place for place, split in enumerate(("train", "valid", "test"))}
    parts: Parts = {}
    for file in sorted(named, key=lambda file: (order.get(part_of(splits[file]) or "", 3), file)):
        parts.setdefault(splits[file], []).append(file)
    read = [file for files in parts.values() for file in files]
    left = [file for file in tables if file not in named]
    note = f"Of {address} these files are read: {listed(read, 8)}." if len(named) > 1 or left else ""
    return parts, f"{note} Not read, for their names say no split: {listed(left, 8)}." if left else note


def _kind(file: str, formats: Mapping[str, str]) -> str:
    path = PurePosixPath(file)
    packed = path.suffix.lower() in (".gz", ".gzip", ".zst", ".zstd", ".bz2", ".xz")
    return formats.get((path.with_suffix("") if packed else path).suffix.lower(), "")


def _split(file: str) -> str:
    if shard := _SHARD.fullmatch(file):
        return shard[1]
    for step in reversed(PurePosixPath(file).parts):
        for word in re.split(r"[^A-Za-z]+", step):
            if part := part_of(word):
                return part
    return ""


def _matching(files: Sequence[str], pattern: str) -> list[str]:
    """The files that a pattern names, those below the folders that it names, or all of ``**``."""
    steps = {"**/": r"(?:.*/)?", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?|\[[^\]]+\])", pattern.removeprefix("./").rstrip("/"))
    whole = "".join(
        steps.get(piece) or (piece if re.fullmatch(r"\[[^\]]+\]", piece) else re.escape(piece)) for piece in pieces
    )
    return [file for file in files if re.fullmatch(f"{whole}(?:/.*)?", file)]


@contextmanager
def _explained(address: str, name: str) -> Iterator[None]:
    """Turns what the Hub's client raises into a sentence; its bars are not drawn beside ours."""
    from huggingface_hub import errors
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    quiet = not are_progress_bars_disabled()
    if quiet:
        disable_progress_bars()
    try:
        yield
    except DataError:
        raise
    except errors.GatedRepoError:
        raise DataError(
            f"{address} cannot be read: its owner wants its terms accepted on its page at the Hub; then set HF_TOKEN "
            f"or run 'hf auth login'."
        ) from None
    except errors.RepositoryNotFoundError:
        raise DataError(
            f"The Hub has no data set {quoted_path(name)}, or it is private: then set HF_TOKEN or run 'hf auth login'."
        ) from None
    except errors.RevisionNotFoundError:
        raise DataError(
            f"The data set {quoted_path(name)} has no such branch, tag or commit as {address} names."
        ) from None
    except Exception as error:  # its own, those of its HTTP library, and of files
        raise DataError(f"{address} cannot be read from the Hub: {reason(error)}.") from error
    finally:
        if quiet:
            enable_progress_bars()
