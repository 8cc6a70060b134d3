"""Makes the helpers of this folder importable as ``wire`` (the tests are no package)."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent))
