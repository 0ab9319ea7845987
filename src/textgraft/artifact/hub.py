"""Model directories on the Hugging Face Hub: published whole or not at all, and loaded by name.

What is published is what loading needs, and no text: a sample of validation texts and the hashes of the training
texts stay here, and the published manifest does not name them. What is fetched is what the manifest names, in the
file types that textgraft writes.
"""

from __future__ import annotations

import glob
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import TYPE_CHECKING, Any

from textgraft import progress
from textgraft.artifact.publication import PUBLIC, is_of, publication
from textgraft.cache import made
from textgraft.encoders.sources import HUB_FILES
from textgraft.errors import ArtifactError, MissingExtraError, TextgraftError, listed
from textgraft.limits import MODEL_BYTES
from textgraft.model_directory.manifest import FILE, read_manifest
from textgraft.whole import link, whole_folder

if TYPE_CHECKING:
    from huggingface_hub import HfApi

HARMLESS = PUBLIC | {".jsonl", ".md", ".txt"}  # of a directory that came to the Hub by another way


def push(
    directory: str | Path, name: str, *, private: bool = True, token: str | None = None, message: str | None = None
) -> str:
    """Publishes a model directory on the Hugging Face Hub, in one commit.

    The model there is replaced; other files there stay. No training or validation text is uploaded.

    Args:
        directory: a saved model.
        name: ``"user/name"``; it is made where it is not there.
        private: whether only its owner sees it. A model that is public already is not pushed to.
        token: that may write there; None takes ``HF_TOKEN`` or that of ``hf auth login``.
        message: of the commit.

    Returns:
        The address of the model's page.

    Raises:
        SettingError: a name that the Hub does not take.
        ArtifactError: the directory is damaged or of use on this machine only, the Hub refuses or cannot be reached,
            or the upload was interrupted. The message says whether something was published.
        MissingExtraError: huggingface_hub is not installed.
    """
    folder, going = Path(directory), publication(directory, name)
    api = _api(token)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete

    failed = f"Publishing {folder} as {name} failed"
    with _explained(failed, api, lambda: "Nothing was published."):
        page = str(api.create_repo(name, private=private, exist_ok=True))
        model = api.model_info(name)
        if private and not model.private:
            raise ArtifactError(
                f"{page} is public already, so what is pushed there is too. Push it with private=False (--public), or "
                "under another name."
            )
        if model.private and not private:
            progress.say(f"{page} is private and stays so; its settings there make it public.")
        additions = [CommitOperationAdd(file, text) for file, text in going.written.items()]
        additions += [CommitOperationAdd(file, folder / file) for file in going.copied]
        uploaded = {addition.path_in_repo for addition in additions}
        outdated = [CommitOperationDelete(file) for file in _published(api, name, model.sha) if file not in uploaded]
        api.preupload_lfs_files(name, additions, free_memory=False)
    with _explained(failed, api, lambda: _outcome(api, name, model.sha, page)):
        api.create_commit(
            name,
            [*additions, *outdated],
            commit_message=message or f"Upload a model of textgraft {going.version}".strip(),
            parent_commit=model.sha,  # so that of two who push at once one is refused
        )
    return page


def fetch(name: str, *, revision: str | None = None, token: str | None = None) -> Path:
    """Downloads a model of the Hub, or finds it among those downloaded before.

    Of a model of textgraft the files that its manifest names; of another one configuration, tokenizer and safetensors
    weights. Files that can run code when they are read (``.pkl``, ``.pt``, torch's ``.bin``) are never downloaded.

    Args:
        name: ``"user/name"``.
        revision: a branch, tag or commit; None is the newest.
        token: that may read it; None takes ``HF_TOKEN`` or that of ``hf auth login``.

    Returns:
        A folder of plain files in textgraft's cache, for ``load``.

    Raises:
        ArtifactError: there is no such model, it may not be read, or the Hub cannot be reached.
        MissingExtraError: huggingface_hub is not installed.
    """
    api = _api(token, needs_token=False)
    options: dict[str, Any] = {"repo_id": name, "token": token, "ignore_patterns": ["*/*"]}
    with _explained(f"Loading the model {name} failed", api, lambda: f"There is no folder {name} here either."):
        from huggingface_hub import snapshot_download

        first = Path(snapshot_download(revision=revision, allow_patterns=[FILE, "config.json"], **options))
        wanted = HUB_FILES
        if (first / FILE).is_file():
            wanted = [FILE, *map(glob.escape, _readable(name, read_manifest(first).files))]
        _check_sizes(api, name, first.name, wanted)
        snapshot = Path(snapshot_download(revision=first.name, allow_patterns=wanted, **options))
        files = [file for file in snapshot.iterdir() if any(file.match(pattern) for pattern in wanted)]
        place, sentence = made("hub", lambda root: _linked(files, root / name.replace("/", "--") / first.name))
        if sentence:
            progress.say(sentence)
        return place


def _linked(files: Iterable[Path], place: Path) -> Path:
    """A folder of its own, made anew for each fetch: the Hub's cache has links, which a model must not hold."""
    with whole_folder(place, durable=False) as part:
        for file in files:
            link(file.resolve(), part / file.name)
    return place


def _check_sizes(api: HfApi, name: str, revision: str, wanted: Sequence[str]) -> None:
    """Raises ArtifactError where the files that would be downloaded are too large together."""
    try:
        files = api.model_info(name, revision=revision, files_metadata=True).siblings or []
    except Exception:  # not to be reached: what is here already will do, or the download says what is wrong
        return
    size = sum(file.size or 0 for file in files if any(PurePath(file.rfilename).match(one) for one in wanted))
    if sentence := MODEL_BYTES.exceeded(size, f"bytes of {name}"):
        raise ArtifactError(f"{sentence} Nothing was downloaded.")


def _published(api: HfApi, name: str, revision: str | None) -> list[str]:
    """The files of the model of textgraft that is there now."""
    files = set(api.list_repo_files(name, revision=revision))
    with suppress(ArtifactError):
        if FILE in files:
            earlier = read_manifest(Path(api.hf_hub_download(name, FILE, revision=revision)).parent)
            return sorted(files & earlier.files.keys())
    return []


def _outcome(api: HfApi, name: str, before: str | None, page: str) -> str:
    """What became of a commit whose answer was not heard."""
    try:
        now = api.model_info(name).sha
    except Exception:
        return f"Whether it was published could not be found out; look at {page}."
    return "Nothing was published." if now == before else f"But something was published there; look at {page}."


def _readable(name: str, files: Iterable[str]) -> list[str]:
    """The files of a manifest, which must be of the kinds that textgraft writes and lie in the folder itself."""
    wrong = [file for file in files if PurePath(file).name != file or not is_of(HARMLESS, file, files)]
    if wrong:
        raise ArtifactError(
            f"The {FILE} of {name} names files of a kind that textgraft does not read: {listed(wrong, 3)}. They were "
            "not downloaded, and the model was not loaded."
        )
    return list(files)


def _api(token: str | None, *, needs_token: bool = True) -> HfApi:
    try:
        from huggingface_hub import HfApi, get_token
    except ImportError:
        raise MissingExtraError("The Hugging Face Hub", "hub") from None
    api = HfApi(token=token, library_name="textgraft")
    if needs_token and not (token or get_token()):
        raise ArtifactError(
            f"Publishing needs a token: make one that may write at {api.endpoint}/settings/tokens, then run "
            "'hf auth login', or set HF_TOKEN. Nothing was published."
        )
    return api


@contextmanager
def _explained(failed: str, api: HfApi, ending: Callable[[], str]) -> Iterator[None]:
    """Turns whatever goes wrong in the block into one sentence of ours, and draws bars for people only."""
    from huggingface_hub.utils import are_progress_bars_disabled, disable_progress_bars, enable_progress_bars

    quiet = not are_progress_bars_disabled() and not sys.stderr.isatty()
    if quiet:
        disable_progress_bars()
    try:
        yield
    except TextgraftError:
        raise
    except KeyboardInterrupt:
        progress.say(f"{failed}: it was interrupted. {ending()}")
        raise
    except Exception as error:  # its own, those of its HTTP library, and of files
        raise ArtifactError(f"{failed}: {_reason(error, api.endpoint)} {ending()}") from error
    finally:
        if quiet:
            enable_progress_bars()


def _reason(error: BaseException, hub: str) -> str:
    """Why the Hub did not do what it was asked for, as a clause with its full stop."""
    if isinstance(error, RuntimeError) and error.__cause__ is not None:
        error = error.__cause__  # "Error while uploading", and the reason behind it
    answer = getattr(error, "response", None)
    said = str(getattr(error, "server_message", None) or error).strip().splitlines()
    first = said[0].rstrip(".") if said else type(error).__name__
    if answer is None:
        kind = "the connection broke" if type(error).__module__.startswith("httpx") else type(error).__name__
        return f"{kind} ({first}; {hub})."
    known = {
        401: f"{hub} does not know the token, or there is no such model. Make a token at {hub}/settings/tokens and run "
        "'hf auth login', or set HF_TOKEN.",
        403: f"the token has no right to do that at {hub} ({first}).",
        404: f"{hub} has no such model, or it is private and the token has no right to see it.",
        409: f"the model at {hub} was changed by somebody else at the same time; try again.",
        412: f"the model at {hub} was changed by somebody else at the same time; try again.",
    }
    return known.get(answer.status_code, f"{hub} answered {answer.status_code} ({first}).")
