"""What ``deploy/`` holds says the same thing everywhere, runs as nobody, writes nothing, and brings no torch."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
import tomllib
from pathlib import Path
from typing import Any

import pytest

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
        if name == "serve" and name not in declared:  # comes with the service
            continue
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
