"""Runs the tests; the few that failed beside others run once more, alone.

`python .ci/tests.py scripts/test` succeeds if all tests pass, or if at most five failed and all of
these pass alone. Each of those is named: it is a fault to be mended (CONTRIBUTING.md). Everything
else fails at once: more failures, a collection error, a worker that died, no tests.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path

MAX_FAILED = 5
TESTS_FAILED = 1  # pytest's exit status: all was collected and run, some tests failed
DIED = "crashed while running"  # what pytest-xdist reports of the test whose worker died


def failed_tests(cache: Path) -> list[str]:
    """The node ids that pytest's cache has as failed."""
    file = cache / "v" / "cache" / "lastfailed"
    return sorted(json.loads(file.read_text())) if file.exists() else []


def can_run_alone(failed: list[str], report: Path) -> bool:
    """Whether these are few tests that ended: no file that was not collected, no worker died."""
    is_few = 0 < len(failed) <= MAX_FAILED
    return is_few and all("::" in test for test in failed) and DIED not in report.read_text()


def run(command: list[str], folder: Path) -> int:
    """Run the tests, and if need be those that failed again; the exit status to end with."""
    # A cache of its own, so that it has no failures but this run's.
    cache, report = folder / "cache", folder / "report.xml"
    tests = [*command, "-o", f"cache_dir={cache}"]
    status = subprocess.run([*tests, f"--junitxml={report}"], check=False).returncode  # noqa: S603
    failed = failed_tests(cache)
    if status != TESTS_FAILED or not can_run_alone(failed, report):
        return status
    print(f"== tests that failed, alone: {len(failed)}", flush=True)  # noqa: T201
    status = subprocess.run([*tests, "--lf", "-n", "0"], check=False).returncode  # noqa: S603
    if status in (0, TESTS_FAILED):
        still = failed_tests(cache)
        for test in failed:
            how = "failed again" if test in still else "passed"
            print(f"failed beside others, {how} alone: {test}", flush=True)  # noqa: T201
    return status


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        sys.exit(run(sys.argv[1:], Path(folder)))
