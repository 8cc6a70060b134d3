"""Every test, in two halves at once: what runs in virtual time takes what the other half leaves of the machine.

    python tests/run_all.py [options of pytest]

The half with real sockets, programs and terminals mostly waits, and must not be made to wait: it goes on as ever. The
other half computes; its report comes when both are done. Exit code 0: both passed.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
NICENESS = 15
#: Those with programs, sockets or terminals; all others compute.
LIVE = (
    "interop", "io", "promises", "screens", "test_conference_live.py", "test_host.py", "test_install.py",
    "test_late_imports.py", "test_program.py", "test_setup.py", "test_trace.py", "test_tree.py",
)  # fmt: skip
NO_TESTS = 5  # what pytest ends with where the options leave none over


def main(options: list[str]) -> int:
    """Run both halves; the worse exit code."""
    live = [str(HERE / name) for name in LIVE]
    pytest = [sys.executable, "-m", "pytest", "-q", *options]
    with tempfile.TemporaryFile() as report:
        computing = subprocess.Popen(
            [*pytest, "-p", "no:cacheprovider", str(HERE), *(f"--ignore={path}" for path in live)],
            stdout=report,
            stderr=subprocess.STDOUT,
            cwd=HERE.parent,
            preexec_fn=lambda: os.nice(NICENESS),
        )
        try:
            waiting = subprocess.run([*pytest, *live], cwd=HERE.parent).returncode
            codes = {waiting, computing.wait()} - {NO_TESTS}
        finally:
            computing.kill()
        report.seek(0)
        sys.stdout.flush()
        os.write(1, b"\nin virtual time:\n" + report.read())
    return max(codes, default=NO_TESTS)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
