# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run ansible-test sanity or units on a copy of the checkout, without containers.

    python tests/setup/run_ansible_test.py sanity|units [--report FILE] [ansible-test's own arguments]

Two things have to be right before it works (both learned the hard way):
- its virtual environments bootstrap pip from a host of Ansible's own. Where only package indexes are
  reachable that fails, so a file of the name it caches that download under is placed first; it uses
  ensurepip.
- it calls pythonX.Y by name for every version it finds on PATH. pyenv's shims are found but do not run, so
  PATH gets the real folders instead.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

from ansible_test._internal.python_requirements import get_venv_packages
from collection_tree import CHECKOUT, collection_copy

OLDEST, NEWEST = 9, 13  # Python 3.x: the managed host's floor, and the newest that this ansible-test knows
THIS_PYTHON = f"3.{sys.version_info.minor}"

BOOTSTRAP = '''\
"""Stands in for get-pip.py where only package indexes can be reached (placed by mainstay's make sanity)."""
import subprocess
import sys

packages = [word for word in sys.argv[1:] if word not in ("--no-setuptools", "--no-wheel")]
subprocess.check_call([sys.executable, "-m", "ensurepip", "--upgrade"], stdout=subprocess.DEVNULL)
subprocess.check_call([sys.executable, "-m", "pip", "--quiet", "install"] + packages)
'''


def place_bootstrap() -> None:
    """Put the stand-in where ansible-test looks for its cached download; a real one stays."""
    version = get_venv_packages(SimpleNamespace(version=THIS_PYTHON))["pip"]
    target = Path.home() / ".ansible" / "test" / "cache" / f"get_pip_{version.replace('.', '_')}.py"
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(BOOTSTRAP)


def real_python_folders() -> list[str]:
    """Folders of the Pythons that pyenv installed, in place of its shims."""
    versions = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv") / "versions"
    minors = range(OLDEST, NEWEST + 1)
    return [str(folder) for minor in minors for folder in sorted(versions.glob(f"3.{minor}.*/bin"))]


def search_path() -> str:
    """The virtual environment first, then every real Python, then the rest without shims."""
    rest = [folder for folder in os.environ["PATH"].split(os.pathsep) if Path(folder).name != "shims"]
    return os.pathsep.join([str(Path(sys.executable).parent), *real_python_folders(), *rest])


def left_out(kind: str) -> tuple[str, ...]:
    """Sanity judges what a user gets. Tests and the lab run on our machines alone, and ruff judges them."""
    if kind == "units":
        return ()
    others = {entry.name for entry in (CHECKOUT / "tests").iterdir()} - {"config.yml", "sanity"}
    return (".ci", "molecule", *(f"tests/{name}" for name in sorted(others)))


def command(kind: str, extra: list[str]) -> list[str]:
    tool = [str(Path(sys.executable).parent / "ansible-test"), kind, "--color", "no"]
    if kind == "units" and "--python" not in extra:
        # The other versions have no pytest; the runtime is compiled and imported on them by sanity.
        tool += ["--python", THIS_PYTHON]
    return [*tool, *extra]


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("kind", choices=["sanity", "units"])
    parser.add_argument("--report", type=Path, help="where to put the junit report of the tests")
    options, extra = parser.parse_known_args()
    place_bootstrap()
    begin = time.monotonic()
    with collection_copy(f"ansible-test-{options.kind}", without=left_out(options.kind)) as root:
        environment = {**os.environ, "PATH": search_path()}
        environment.pop("PYTHONPATH", None)
        line = command(options.kind, extra)
        status = subprocess.run(line, cwd=root, env=environment, stdin=subprocess.DEVNULL).returncode
        if options.report:
            options.report.parent.mkdir(parents=True, exist_ok=True)
            for number, report in enumerate(sorted((root / "tests" / "output" / "junit").glob("*.xml"))):
                shutil.copy(report, options.report.with_stem(f"{options.report.stem}-{number}"))
    print(f"ansible-test {options.kind}: {time.monotonic() - begin:.0f} s, exit status {status}", flush=True)
    return status


if __name__ == "__main__":
    sys.exit(main())
