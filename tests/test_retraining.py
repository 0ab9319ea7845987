"""The GitHub Action and the pipeline of DVC in ``deploy/``: their very steps, run by bash, let good models through."""

from __future__ import annotations

import csv
import json
import os
import random
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import textgraft

yaml = pytest.importorskip("yaml")
ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
WORDS = {"sport": ["goal", "match", "team", "league"], "money": ["bank", "rate", "share", "tax"]}
FILLERS = ["the", "a", "of", "very", "and", "was", "this", "that", "new", "old", "day", "week"]

pytestmark = pytest.mark.skipif(shutil.which("bash") is None, reason="needs bash")


def write_rows(path: Path, n: int, seed: int, *, wrong: float = 0.0) -> None:
    """Texts in which one word of six gives the label away, and a share of labels that are wrong."""
    rng = random.Random(seed)
    rows = [("text", "label")]
    for i in range(n):
        label, other = ("sport", "money") if i % 2 else ("money", "sport")
        words = [*rng.choices(FILLERS, k=5), rng.choice(WORDS[label])]
        rng.shuffle(words)
        rows.append((f"{' '.join(words)} {seed} {i}", other if rng.random() < wrong else label))
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="") as file:
        csv.writer(file).writerows(rows)


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A folder with data, and the command line on its PATH."""
    write_rows(tmp_path / "data" / "train.csv", 120, 1)
    write_rows(tmp_path / "data" / "test.csv", 150, 2)
    (tmp_path / "data" / "pairs.csv").write_text("text,changed,expect\nthe goal,THE GOAL,same\nthe goal,,sport\n")
    (tmp_path / "bin").mkdir()
    command = tmp_path / "bin" / "textgraft"
    command.write_text(f'#!/bin/sh\nexec {shlex.quote(sys.executable)} -m textgraft "$@"\n')
    command.chmod(0o755)
    return tmp_path


def bash(project: Path, script: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """A script as GitHub runs it."""
    environment = os.environ | {"PATH": f"{project / 'bin'}{os.pathsep}{os.environ['PATH']}"} | variables
    environment["PYTHONPATH"] = str(Path(textgraft.__file__).parent.parent)
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=project,
        env=environment,
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )


def action(project: Path, **given: str) -> tuple[bool, str, dict[str, str]]:
    """Runs the steps of the Action with inputs: whether all went well, its summary, and the outputs of its steps."""
    content: dict[str, Any] = yaml.safe_load((DEPLOY / "github-action" / "action.yml").read_text("utf-8"))
    missing = [name for name, each in content["inputs"].items() if each.get("required") and name not in given]
    assert not missing
    inputs = {name: each.get("default", "") for name, each in content["inputs"].items()} | given
    runner = {
        "RUNNER_TEMP": project / "temp",
        "GITHUB_OUTPUT": project / "output",
        "GITHUB_STEP_SUMMARY": project / "said",
    }
    (project / "temp").mkdir(exist_ok=True)
    for name in ("output", "said"):
        (project / name).write_text("")

    def value(written: str) -> str:
        return re.sub(r"\$\{\{ inputs\.([\w-]+) \}\}", lambda found: inputs[found[1]], written)

    well = True
    for step in content["runs"]["steps"]:
        assert step["shell"] == "bash"
        assert "${{" not in step["run"]  # what is put into a script could be one
        if step.get("if") == "inputs.package != ''" and not inputs["package"]:
            continue
        env = {name: value(each) for name, each in step["env"].items()}
        done = bash(project, step["run"], **env, **{name: str(path) for name, path in runner.items()})
        if done.returncode:
            assert done.returncode == 1, done.stderr
            well = False
            break
    outputs = dict(line.split("=", 1) for line in (project / "output").read_text().splitlines())
    return well, (project / "said").read_text("utf-8"), outputs


def test_the_action_takes_a_first_model_then_an_equal_one_and_refuses_a_worse_one(project: Path) -> None:
    given = {"train": "data/train.csv", "data": "data/test.csv", "model": "models/in use", "package": ""}
    in_use = project / "models" / "in use"
    well, said, outputs = action(project, **given)
    assert well
    assert "There is no model in models/in use yet" in said
    assert Path(outputs["report"]).is_file()
    first = (in_use / "textgraft.json").read_bytes()

    write_rows(project / "data" / "train.csv", 140, 3)
    well, said, _ = action(
        project, **given, pairs="data/pairs.csv", options="--method ngrams --seed 1", metric="macro-F1"
    )
    assert well
    assert "2 pairs of 2 came out as expected." in said
    assert "The new model is" in said
    second = (in_use / "textgraft.json").read_bytes()
    assert second != first

    write_rows(project / "data" / "train.csv", 120, 4, wrong=0.45)
    well, said, _ = action(project, **given)
    assert not well
    assert "The new model is measurably worse than the one in use" in " ".join(said.split())
    assert (in_use / "textgraft.json").read_bytes() == second


def test_the_workflow_uses_the_action_as_it_is() -> None:
    workflow = yaml.safe_load((DEPLOY / "github-action" / "workflow.yml").read_text("utf-8"))
    declared = yaml.safe_load((DEPLOY / "github-action" / "action.yml").read_text("utf-8"))
    [uses] = [step for step in workflow["jobs"]["retrain"]["steps"] if step.get("uses", "").startswith("./")]
    assert (ROOT / uses["uses"] / "action.yml").is_file()
    assert uses["with"].keys() <= declared["inputs"].keys()
    assert declared["outputs"].keys() == {"report"}


def stages() -> dict[str, dict[str, Any]]:
    return dict(yaml.safe_load((DEPLOY / "dvc" / "dvc.yaml").read_text("utf-8"))["stages"])


def test_the_pipeline_of_dvc_refuses_a_worse_model(project: Path) -> None:
    shutil.copy(DEPLOY / "dvc" / "accept.sh", project)
    train, check = stages()["train"], stages()["check"]
    assert bash(project, train["cmd"]).returncode == 0
    assert bash(project, "sh accept.sh").returncode == 0
    assert bash(project, check["cmd"]).returncode == 0
    written = [*train["deps"], *train["outs"], *check["deps"], *(path for each in check["metrics"] for path in each)]
    assert [path for path in written if not (project / path).exists()] == []

    write_rows(project / "data" / "train.csv", 120, 4, wrong=0.45)
    assert bash(project, f"rm -rf {train['outs'][0]} && {train['cmd']}").returncode == 0
    assert bash(project, check["cmd"]).returncode == 1
    assert json.loads((project / "models" / "check.json").read_text("utf-8"))["replacement"]["worse"] is True


def test_dvc_itself_runs_the_pipeline(project: Path) -> None:
    if shutil.which("dvc") is None or shutil.which("git") is None:
        pytest.skip("needs dvc and git on the PATH")
    for name in ("dvc.yaml", "accept.sh"):
        shutil.copy(DEPLOY / "dvc" / name, project)
    quiet = {"DVC_NO_ANALYTICS": "true", "GIT_CONFIG_GLOBAL": os.devnull}
    for command in ("git init -q", "dvc init -q", "dvc repro train", "sh accept.sh", "dvc repro"):
        done = bash(project, command, **quiet)
        assert done.returncode == 0, done.stderr
    assert "up to date" in bash(project, "dvc repro", **quiet).stdout
    write_rows(project / "data" / "train.csv", 120, 4, wrong=0.45)
    done = bash(project, "dvc repro", **quiet)
    assert done.returncode != 0
    assert "failed to reproduce 'check'" in done.stderr
