"""How often the properties of tables and inputs are tried: a few times in `make test`, 2,000 in `make test-all`."""

from __future__ import annotations

import os

EXAMPLES = int(os.environ.get("TEXTGRAFT_EXAMPLES", "40"))
