"""Commands as processes that are killed at a chosen moment of their work, and what they leave.

A process that has imported everything forks one for each run, so that what is killed is the work and not the start.
"""

from __future__ import annotations

import json
import os
import random
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ..answering import answering

LIBRARIES = {".ses"}  # of ONNX Runtime, which keeps it among temporary files, killed or not
FORKS = """
import json, os, sys, time, traceback
import textgraft.prediction.part_file as part_file, textgraft.training.checkpoints as checkpoints
from textgraft.cli import main

part_file.COMMIT_SECONDS = 0.01  # so that much is gone on with
checkpoints.Checkpoints.due = lambda self, step, seconds: step % 2 == 0

def run(words, said):
    sys.argv = ["textgraft", *words]
    sys.stdout = sys.stderr = open(said, "w")
    try:
        main()
    except SystemExit as ended:
        return int(ended.code or 0)
    except BaseException:
        traceback.print_exc()
        return 70
    return 0

for line in sys.stdin:
    words, said, given, kill_after = json.loads(line)
    child = os.fork() if said else 0
    if not child:
        if given:
            os.dup2(os.open(given, os.O_RDONLY), 0)
        code = run(words, said or os.devnull)
        if said:
            sys.stderr.flush()
            os._exit(code)
        sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__
    else:
        if kill_after is not None:
            time.sleep(kill_after)
            os.kill(child, 9)  # one that has ended keeps its number until it is waited for
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    print(code, flush=True)
"""


class Forks:
    """Runs commands of textgraft in processes that may be killed.

    Args:
        folder: for what the commands say, and for their temporary files, in ``temporary``.
    """

    def __init__(self, folder: Path) -> None:
        self.temporary = folder / "temporary"
        self.temporary.mkdir()
        self._said = folder / "said.txt"
        environment = os.environ | {"OMP_NUM_THREADS": "1", "TMPDIR": str(self.temporary)}
        self._process = answering(FORKS, environment=environment)

    def _run(self, words: list[object], said: str, given: Path | None, kill_after: float | None) -> int:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        told = [list(map(str, words)), said, None if given is None else str(given), kill_after]
        self._process.stdin.write(json.dumps(told) + "\n")
        return int(self._process.stdout.readline())

    def warm(self, words: list[object]) -> None:
        """Runs a command in the process that forks, which imports what it needs once for all."""
        assert self._run(words, "", None, None) == 0

    def run(self, words: list[object], *, given: Path | None = None, kill_after: float | None = None) -> int:
        """The exit code of a command, or -9 where it was killed before its end.

        Args:
            words: the command's.
            given: a file that is its standard input.
            kill_after: so many seconds; None waits for its end.
        """
        return self._run(words, str(self._said), given, kill_after)

    @property
    def said(self) -> str:
        """What the last command said."""
        return self._said.read_text("utf-8")

    def end(self) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.close()
        self._process.wait()
        self._process.stdout.close()


@dataclass(frozen=True)
class Work:
    """A command that is killed.

    Attributes:
        words: its words.
        begin: makes the state that it begins with.
        check: what must be true after every kill; it raises where it is not.
        made: the bytes that it makes, by name, which are those of a run that was never killed.
        given: a file that is its standard input.
        folder: where nothing but ``leaves`` is after a run that went well.
        leaves: names of what is there then.
    """

    words: list[object]
    begin: Callable[[], None]
    check: Callable[[], None]
    made: Callable[[], dict[str, bytes]]
    folder: Path
    leaves: set[str] = field(default_factory=set)
    given: Path | None = None


@dataclass
class Tally:
    """What kills have brought: how many, how many fell before the end, how many after something was written."""

    kills: int = 0
    before_the_end: int = 0
    left_something: int = 0
    seconds: float = 0.0


def kill_at_random(work: Work, forks: Forks, kills: int, chance: random.Random, at_once: int = 1) -> Tally:
    """Kills runs of a command at moments uniformly over its duration, ``at_once`` one after the other, then runs it.

    After every kill ``work.check`` holds; after the run that ends well nothing is left, and the bytes are those of a
    run that was never killed.
    """
    work.begin()
    start = time.monotonic()
    assert forks.run(work.words, given=work.given) == 0, forks.said
    duration = time.monotonic() - start
    whole = work.made()
    tally = Tally()
    while tally.kills < kills:
        work.begin()
        for _ in range(min(at_once, kills - tally.kills)):
            code = forks.run(work.words, given=work.given, kill_after=chance.uniform(0, duration))
            assert code in (0, -9), forks.said
            tally.kills += 1
            tally.before_the_end += code == -9
            tally.left_something += names(work.folder) != work.leaves or any(forks.temporary.iterdir())
            work.check()
        assert forks.run(work.words, given=work.given) == 0, forks.said
        work.check()
        assert names(work.folder) == work.leaves
        left = names(forks.temporary) - LIBRARIES
        assert not left, left
        assert work.made() == whole
    tally.seconds = duration
    return tally


def names(folder: Path) -> set[str]:
    """All files and folders below a folder, hidden ones too."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*")} if folder.is_dir() else set()
