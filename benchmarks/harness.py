"""What all benchmarks share: processes that are measured, the jobs that they do, options, bounds and reports.

A benchmark writes jobs as JSON; ``Bench.process`` gives each to a script of its own in a new process, where ``run_job``
does it and prints the figures. Needs the standard library alone, since peers may live in environments of their own.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from statistics import mean
from typing import Any

HERE = Path(__file__).resolve().parent
DATA = HERE.parent.parent / "shared" / "data"
CPU, DEVICE = "CPU", "device"
Figures = dict[str, Any]
Bounds = dict[str, tuple[str, float]]


@dataclass(frozen=True)
class Run:
    """A finished process."""

    seconds: float
    cpu_seconds: float
    peak_mb: float
    output: str


@dataclass(frozen=True)
class Job:
    """A process to run, how to read its score, and the bounds it must keep."""

    name: str
    command: list[str]
    score: Callable[[Run], dict[str, float]]
    bounds: dict[str, tuple[str, float]] = field(default_factory=dict)
    slow: bool = False
    environment: dict[str, str] = field(default_factory=dict)


def run(command: list[str], environment: dict[str, str]) -> Run:
    start = time.perf_counter()
    with tempfile.TemporaryFile() as out:
        process = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, env=os.environ | environment)
        _, status, usage = os.wait4(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        seconds = time.perf_counter() - start
        out.seek(0)
        output = out.read().decode()
    if process.returncode:
        raise RuntimeError(f"ended with exit code {process.returncode} {output[-300:]}")
    return Run(seconds, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024, output)


def nothing(_: Run) -> dict[str, float]:
    return {}


def printed(finished: Run) -> dict[str, float]:
    scores: dict[str, float] = json.loads(finished.output.splitlines()[-1])
    return scores


def met(job: Job, figures: dict[str, float]) -> list[str]:
    compare = {"<": lambda a, b: a < b, "<=": lambda a, b: a <= b, ">=": lambda a, b: a >= b}
    return [
        f"{name} {sign} {bound:g}: {'met' if compare[sign](figures[name], bound) else 'NOT MET'}"
        for name, (sign, bound) in job.bounds.items()
    ]


class Bench:
    """Runs the jobs, logs them as they finish, and remembers whether one failed.

    Args:
        script: beside this file; does a job, which is its last argument.
        log: JSON Lines.
    """

    def __init__(self, script: str, log: Path | None) -> None:
        self.script = HERE / script
        self.log = log
        self.failed = False

    def command(self, job: dict[str, Any]) -> list[str]:  # noqa: ARG002
        """What runs a job, which is its last argument."""
        return [sys.executable, str(self.script)]

    def environment(self, place: str) -> dict[str, str]:
        """Variables of its process."""
        return {"CUDA_VISIBLE_DEVICES": ""} if place == CPU else {}

    def process(self, job: dict[str, Any], place: str = CPU) -> Figures | None:
        """The figures of one job, or None if it failed."""
        told = " ".join(str(job[name]) for name in ("do", "method", "data", "rows", "seed") if name in job)
        try:
            finished = run([*self.command(job), json.dumps(job)], self.environment(place))
        except RuntimeError as error:
            self.failed = True
            print(f"{place} {told}: {error}", file=sys.stderr, flush=True)
            return None
        figures: Figures = printed(finished) | {"seconds": finished.seconds, "peak_mb": finished.peak_mb}
        told += "".join(f", {name} {value:.4g}" for name, value in figures.items() if isinstance(value, float))
        print(f"{place} {told}", file=sys.stderr, flush=True)
        if self.log:
            with self.log.open("a", encoding="utf-8") as file:
                when = datetime.now(UTC).isoformat(timespec="seconds")
                file.write(json.dumps({"when": when, "place": place, "job": job, "figures": figures}) + "\n")
        return figures

    def bounds(self, name: str, bounds: Bounds, figures: dict[str, float]) -> str:
        """One line that says of every bound whether it was met."""
        said = [
            f"{figure} {figures[figure]:.4g}{verdict.removeprefix(figure)}"
            for figure, bound in bounds.items()
            if figure in figures
            for verdict in met(Job(name, [], nothing, {figure: bound}), figures)
        ]
        self.failed |= any("NOT MET" in one for one in said)
        return f"{name}: " + "; ".join(said)


def run_job(work: dict[str, Any]) -> None:
    """Does what the job on the command line says and prints its figures."""
    job: dict[str, Any] = json.loads(sys.argv[1])
    try:
        figures = work[job["do"]](job)
    except Exception:
        # To standard output, of which the caller shows the end.
        print(traceback.format_exc())
        sys.exit(1)
    print(json.dumps(figures, default=float))


def head(what: str) -> list[str]:
    """The lines above every table."""
    versions = ", ".join(f"{package} {version(package)}" for package in ("torch", "transformers"))
    return [
        f"`python benchmarks/{Path(sys.argv[0]).name} {' '.join(sys.argv[1:])}`",
        "",
        f"{what}: {datetime.now(UTC):%Y-%m-%d}, {os.cpu_count()} cores, {platform.machine()}, "
        f"Python {platform.python_version()}, {versions}",
        "",
    ]


def spread(values: Iterable[float], form: str) -> str:
    """``"mean [lowest-highest]"``."""
    found = list(values)
    if len(found) < 2:
        return "".join(format(value, form) for value in found)
    return f"{mean(found):{form}} [{min(found):{form}}-{max(found):{form}}]"


def averages(runs: list[Figures]) -> Figures:
    """The mean of every number."""
    return {name: mean(one[name] for one in runs) for name, value in runs[0].items() if isinstance(value, (int, float))}


def not_long(value: object) -> bool:
    return not isinstance(value, (list, dict)) or len(value) <= 12


def bullets(said: Iterable[str]) -> list[str]:
    return [f"- {one}" for one in said]


def setting(given: str) -> tuple[str, Any]:
    """``name=value``; a value that is not JSON is a string."""
    name, equals, value = given.partition("=")
    if not (name and equals):
        raise argparse.ArgumentTypeError(f"{given!r} is not name=value")
    try:
        return name, json.loads(value)
    except ValueError:
        return name, value


def some_of(names: Iterable[str]) -> Any:
    """A reader of names separated by commas."""
    known = list(names)

    def read(given: str) -> list[str]:
        chosen = given.split(",")
        if unknown := [name for name in chosen if name not in known]:
            raise argparse.ArgumentTypeError(f"no {', '.join(unknown)}; there are {', '.join(known)}")
        return chosen

    return read


def places_of_files(parser: argparse.ArgumentParser) -> None:
    """The options of every benchmark: where tables are, and where the log and the report go."""
    parser.add_argument("--data", type=Path, default=DATA, help="the folder of the real tables")
    parser.add_argument("--log", type=Path, help="JSON Lines: every finished process is added at once")
    parser.add_argument("--out", type=Path, help="where the table goes besides standard output")


def parsed(parser: argparse.ArgumentParser) -> argparse.Namespace:
    """The options, with ``--set`` as a mapping and a folder of tables that is there."""
    options = parser.parse_args()
    options.set = dict(options.set)
    options.data = options.data.resolve()
    if not options.data.is_dir():
        parser.error(f"needs the real tables in {options.data}; name their folder with --data")
    return options


def report(lines: list[str], out: Path | None, bench: Bench) -> None:
    """Prints the report, writes it to ``out``, and ends the process."""
    print("\n".join(lines))
    if out:
        out.write_text("\n".join(lines) + "\n", "utf-8")
    sys.exit(bench.failed)
