"""A Python process that is told lines and answers in lines."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping


def answering(code: str, *words: str, environment: Mapping[str, str]) -> subprocess.Popen[str]:
    """Begins it; what it says on standard error is not heard."""
    return subprocess.Popen(
        [sys.executable, "-c", code, *words],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        bufsize=1,
        env=environment,
    )
