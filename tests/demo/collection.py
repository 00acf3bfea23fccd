# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The collection as a Galaxy user gets it: built, and installed from the archive into a folder of its own."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

BUILD = Path("build/demo")


class BuildFailed(Exception):
    """ansible-galaxy did not build or install the collection."""


def install(galaxy: Path) -> Path:
    """Build the checkout's collection and install it offline; returns the collections path."""
    shutil.rmtree(BUILD, ignore_errors=True)
    BUILD.mkdir(parents=True)
    _run([str(galaxy), "collection", "build", "--output-path", str(BUILD)])
    (archive,) = BUILD.glob("mainstay-ha-*.tar.gz")
    target = (BUILD / "collections").resolve()
    _run([str(galaxy), "collection", "install", str(archive), "--offline", "--force", "-p", str(target)])
    return target


def _run(argv: list[str]) -> None:
    done = subprocess.run(argv, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=120)
    if done.returncode:
        raise BuildFailed(f"{' '.join(argv)} ended with status {done.returncode}:\n{done.stderr or done.stdout}")
