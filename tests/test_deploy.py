"""What ``deploy/`` holds says the same thing everywhere, runs as nobody, writes nothing, and brings no torch."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import time
import tomllib
from pathlib import Path
from typing import Any

import pytest

import textgraft
from textgraft import NgramClassifier

ROOT = Path(__file__).resolve().parent.parent
DEPLOY = ROOT / "deploy"
USER = 10001


def read(name: str) -> str:
    return (DEPLOY / name).read_text("utf-8")


def documents(name: str) -> list[dict[str, Any]]:
    yaml = pytest.importorskip("yaml")
    return list(yaml.safe_load_all(read(name)))


def instruction(name: str) -> list[str]:
    """What stands behind an instruction of the last stage of the Dockerfile."""
    last = read("Dockerfile").rpartition("\nFROM ")[2].replace("\\\n", " ")
    return [line.partition(" ")[2].strip() for line in last.splitlines() if line.startswith(f"{name} ")]


def commands() -> dict[str, str]:
    compose = documents("compose.yaml")[0]["services"]["textgraft"]
    container = documents("kubernetes.yaml")[0]["spec"]["template"]["spec"]["containers"][0]
    [entry], [usual] = instruction("ENTRYPOINT"), instruction("CMD")
    unit = re.search(r"^ExecStart=\S*/(textgraft serve .*)$", read("textgraft.service"), re.MULTILINE)
    assert unit
    start = " ".join(json.loads(entry))
    return {
        "Dockerfile": f"{start} {' '.join(json.loads(usual))}",
        "compose": f"{start} {' '.join(compose['command'])}".replace("${WORKERS:-1}", "1"),
        "Kubernetes": f"{start} {' '.join(container['args'])}",
        "systemd": unit[1],
    }


def test_all_start_the_service_alike() -> None:
    starts = commands()
    options = {name: [word for word in command.split() if word.startswith("--")] for name, command in starts.items()}
    assert all(command.startswith("textgraft serve /") for command in starts.values())
    assert all(each == ["--host", "--port", "--workers", "--warmup"] for each in options.values())


def test_the_image_brings_no_torch_and_runs_as_a_user_who_may_nothing() -> None:
    [extras] = re.findall(r'pip install --no-cache-dir "\.\[([\w,]+)\]"', read("Dockerfile"))
    declared = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    wanted, seen = extras.split(","), set[str]()
    while wanted:
        name = wanted.pop()
        seen.update(each for each in declared[name] if not each.startswith("textgraft["))
        for inner in re.findall(r"textgraft\[([\w,]+)\]", " ".join(declared[name])):
            wanted += inner.split(",")
    assert seen
    assert not [each for each in seen if re.match(r"(torch|transformers|scipy)\b", each)]
    assert instruction("USER") == [f"{USER}:{USER}"]
    assert "/healthz" in instruction("HEALTHCHECK")[0]
    assert "curl" not in instruction("HEALTHCHECK")[0]
    copied = {
        word
        for line in re.findall(r"^COPY (?!--from)(.*) \S+$", read("Dockerfile"), re.MULTILINE)
        for word in line.split()
    }
    assert all((ROOT / name).exists() for name in copied)
    assert copied == set(re.findall(r"^!(\S+)$", read("Dockerfile.dockerignore"), re.MULTILINE))


def test_composed_it_writes_nothing_and_listens_on_this_machine_alone() -> None:
    [service] = documents("compose.yaml")[0]["services"].values()
    assert service["read_only"] is True
    assert service["user"] == f"{USER}:{USER}"
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert all(port.startswith("127.0.0.1:") for port in service["ports"])
    assert [volume["read_only"] for volume in service["volumes"]] == [True]
    built = service["build"]
    assert (DEPLOY / built["context"] / built["dockerfile"]).is_file()


def test_in_kubernetes_it_is_probed_bounded_and_may_nothing() -> None:
    parts = {document["kind"]: document for document in documents("kubernetes.yaml")}
    assert parts.keys() == {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"}
    template = parts["Deployment"]["spec"]["template"]
    pod, [container] = template["spec"], template["spec"]["containers"]
    probes = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "readiness", "liveness")}
    assert probes == {"startup": "/readyz", "readiness": "/readyz", "liveness": "/healthz"}
    assert container["resources"].keys() == {"requests", "limits"}
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] == USER
    assert pod["automountServiceAccountToken"] is False
    selector = parts["Deployment"]["spec"]["selector"]["matchLabels"]
    assert selector.items() <= template["metadata"]["labels"].items()
    assert parts["Service"]["spec"]["selector"] == selector
    assert parts["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == selector
    [port] = parts["Service"]["spec"]["ports"]
    assert port["targetPort"] in {each["name"] for each in container["ports"]}
    mounted = {mount["name"] for mount in container["volumeMounts"]}
    assert mounted == {volume["name"] for volume in pod["volumes"]}


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")
def test_the_unit_is_one_that_systemd_reads_and_calls_safe(tmp_path: Path) -> None:
    program = shutil.which("true")
    unit = tmp_path / "textgraft.service"
    unit.write_text(re.sub(r"ExecStart=\S+", f"ExecStart={program}", read("textgraft.service")))
    verified = subprocess.run(["systemd-analyze", "verify", unit], capture_output=True, text=True, check=False)
    assert (verified.returncode, verified.stderr) == (0, "")
    line = ["systemd-analyze", "security", "--offline=true", "--threshold=20", unit]  # of 100; an open unit has 96
    exposed = subprocess.run(line, capture_output=True, text=True, check=False)
    assert exposed.returncode == 0, exposed.stdout[-300:]


AS_NOBODY = """
set -e
mount --make-rprivate /
mount -t tmpfs -o mode=755 tmpfs /mnt
mkdir /mnt/python /mnt/source /mnt/site /mnt/model
mount --bind "$PYTHON" /mnt/python
mount --bind "$SOURCE" /mnt/source
mount --bind "$SITE" /mnt/site
mount --bind "$MODEL" /mnt/model
mount -t tmpfs -o size=64m,mode=1777 tmpfs /tmp
awk '{print $2}' /proc/mounts | grep -v '^/tmp$\\|^/proc\\|^/dev' | while read place; do
  mount -o remount,ro,bind "$place" 2>/dev/null || true
done
exec setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs --bounding-set=-all --inh-caps=-all "$@"
"""
BOX = [shutil.which(name) for name in ("unshare", "setpriv", "bash")]


@pytest.mark.slow
@pytest.mark.skipif(not all(BOX) or os.getuid() != 0, reason="needs root, unshare and setpriv")
def test_the_service_runs_as_nobody_where_nothing_can_be_written(tmp_path: Path) -> None:
    for library in ("fastapi", "uvicorn", "prometheus_client", "httpx"):
        pytest.importorskip(library)
    import httpx
    import numpy

    texts = ["a good film", "an awful book"] * 8
    model = NgramClassifier(min_count=1).fit(texts, ["good", "bad"] * 8).save(tmp_path / "model")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = str(free.getsockname()[1])
    [usual] = instruction("CMD")
    words = [
        {"8000": port, "0.0.0.0": "127.0.0.1", "/model": "/mnt/model"}.get(word, word) for word in json.loads(usual)
    ]
    places = {
        "PYTHON": sys.base_prefix,
        "SOURCE": str(Path(textgraft.__file__).parent.parent),
        "SITE": str(Path(numpy.__file__).parent.parent),
        "MODEL": str(model),
    }
    inside = {
        "PYTHONPATH": "/mnt/source:/mnt/site",
        "LD_LIBRARY_PATH": "/mnt/python/lib",
        "PYTHONDONTWRITEBYTECODE": "1",
        "TEXTGRAFT_CACHE": "/tmp/textgraft",
    }
    python = f"/mnt/python/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    start = ["env", "-i", *(f"{name}={value}" for name, value in inside.items()), python, "-m", "textgraft", "serve"]
    line = ["unshare", "--mount", "bash", "-c", AS_NOBODY, "box", *start, *words]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(line, env=os.environ | places, stdout=log, stderr=log, cwd="/")
    try:
        with httpx.Client(transport=httpx.HTTPTransport(retries=8)) as client:
            for _ in range(300):
                with contextlib.suppress(httpx.HTTPError):
                    if client.get(f"http://127.0.0.1:{port}/readyz").status_code == 200:
                        break
                time.sleep(0.1)
            answer = client.post(f"http://127.0.0.1:{port}/v1/predict", json={"texts": texts[:2]})
        assert [each["label"] for each in answer.json()["predictions"]] == ["good", "bad"]
        process.terminate()
        assert process.wait(60) in (0, -15)
    finally:
        process.kill()
        process.wait()
    assert "Traceback" not in (tmp_path / "log").read_text()
