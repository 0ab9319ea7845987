"""What a service counts, in one process and in several."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from textgraft.serving.metrics import Metrics

CODE = """
import sys
from textgraft.serving.metrics import Metrics
metrics = Metrics()
metrics.request("/v1/predict", 200, 0.004)
metrics.labelled("m", ["joy", None])
metrics.of("m").computed(3, 60, 0.02)
print(metrics.page().decode())
"""


def test_counts_and_histograms_are_on_the_page_and_texts_are_not() -> None:
    metrics = Metrics()
    metrics.request("/v1/predict", 200, 0.004)
    metrics.rejected("queue")
    metrics.labelled("m", ["joy", None, "joy"])
    metrics.of("m").queued(5)
    metrics.of("m").computed(3, 60, 0.02)
    metrics.reloaded("m", well=False)
    page = metrics.page().decode()
    for line in (
        'textgraft_requests_total{path="/v1/predict",status="200"} 1.0',
        'textgraft_request_seconds_bucket{le="0.005",path="/v1/predict"} 1.0',
        'textgraft_rejected_total{reason="queue"} 1.0',
        'textgraft_labels_total{label="joy",model="m"} 2.0',
        'textgraft_labels_total{label="",model="m"} 1.0',
        'textgraft_queue_texts{model="m"} 5.0',
        'textgraft_batch_texts_sum{model="m"} 3.0',
        'textgraft_batch_tokens_total{model="m"} 60.0',
        'textgraft_reloads_total{model="m",outcome="failed"} 1.0',
    ):
        assert line in page


def test_several_processes_add_up(tmp_path: Path) -> None:
    environment = os.environ | {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path)}
    pages = [
        subprocess.run([sys.executable, "-c", CODE], env=environment, capture_output=True, text=True, check=True).stdout
        for _ in range(2)
    ]
    assert 'textgraft_labels_total{label="joy",model="m"} 1.0' in pages[0]
    assert 'textgraft_labels_total{label="joy",model="m"} 2.0' in pages[1]
    assert 'textgraft_batch_texts_sum{model="m"} 6.0' in pages[1]
