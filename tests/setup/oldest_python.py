# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Run the runtime's unit tests on the oldest supported Python that this machine has.

    python tests/setup/oldest_python.py [pytest's own arguments]

Managed hosts run the runtime on their distribution's own interpreter, 3.9 on the oldest. Compiling and importing
there (ansible-test does it) does not show a call that only a later Python knows. What was found is printed.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

from collection_tree import CHECKOUT, cache_folder
from run_ansible_test import NEWEST, OLDEST, search_path

REQUIREMENTS = CHECKOUT / "tests" / "setup" / "requirements-oldest.txt"
RUNTIME_LAYERS = ("model", "vrrp", "bfd", "lvs", "probes", "net", "daemon", "cli")


def oldest_interpreter() -> Path:
    """The lowest python3.N in range that starts and can make virtual environments."""
    for minor in range(OLDEST, NEWEST + 1):
        found = shutil.which(f"python3.{minor}", path=search_path())
        if found and subprocess.run([found, "-c", "import ensurepip, venv"], capture_output=True).returncode == 0:
            return Path(found).resolve()
    raise SystemExit(f"no python3.{OLDEST} .. python3.{NEWEST} found")


def environment_of(interpreter: Path) -> Path:
    """A virtual environment with the requirements, made once for each interpreter and list."""
    key = hashlib.sha256(str(interpreter).encode() + REQUIREMENTS.read_bytes()).hexdigest()[:12]
    target = cache_folder() / "oldest-python" / key
    if not (target / "complete").exists():
        subprocess.run([str(interpreter), "-m", "venv", "--clear", str(target)], check=True)
        pip = [str(target / "bin" / "python"), "-m", "pip", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*pip, "install", "-r", str(REQUIREMENTS)], check=True, stderr=subprocess.DEVNULL)
        (target / "complete").touch()
    return target


def tests_of_the_runtime() -> list[str]:
    folder = CHECKOUT / "tests" / "unit"
    return [str(folder / layer) for layer in RUNTIME_LAYERS if (folder / layer).is_dir()]


def main(arguments: list[str]) -> int:
    interpreter = oldest_interpreter()
    python = environment_of(interpreter) / "bin" / "python"
    print(f"oldest Python here: {interpreter}", flush=True)
    line = [str(python), "-m", "pytest", "-q", *tests_of_the_runtime(), *arguments]
    # Its own cache of byte code and tests, so that it can run beside the other Python's.
    environment = {**os.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run([*line, "-o", "cache_dir=.cache/pytest-oldest"], cwd=CHECKOUT, env=environment).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
