"""Requests made from the OpenAPI document: whatever is sent, the answers are those that the document promises."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from .running import SPORT, Running

pytest.importorskip("schemathesis")
EXAMPLES = int(os.environ.get("TEXTGRAFT_EXAMPLES", "100"))
CHECKS = "not_a_server_error,content_type_conformance,response_schema_conformance,status_code_conformance"


@pytest.mark.parametrize(
    ("phases", "examples"),
    [("fuzzing", 5), pytest.param("examples,coverage,fuzzing", EXAMPLES, marks=pytest.mark.slow)],
)
def test_no_request_is_a_fault_of_the_service(service: Running, tmp_path: Path, phases: str, examples: int) -> None:
    ended = subprocess.run(
        [sys.executable, "-m", "schemathesis.cli", "run", f"{service.url}/openapi.json", f"--checks={CHECKS}",
         f"--max-examples={examples}", f"--phases={phases}", "--seed=1", "--no-color", "--generation-database=none",
         "--suppress-health-check=all", "--exclude-path=/v1/predict/stream"],  # it has no way to write its lines
        cwd=tmp_path, capture_output=True, text=True, timeout=1200, check=False,
    )  # fmt: skip
    assert ended.returncode == 0, ended.stdout[-8000:] + ended.stderr[-2000:]
    assert not [line for line in service.log() if line["event"] == "fault"]
    assert service.predict(texts=SPORT).status_code == 200
