# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A copy of the checkout at a path that Ansible's own tools accept.

ansible-test works only below ansible_collections/NAMESPACE/NAME and leaves files behind, so it gets a copy
outside of the checkout: what git tracks and what it would track, nothing else.
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[2]


def cache_folder() -> Path:
    """Where things live that are dear to make and belong to no checkout."""
    return Path(os.environ.get("MAINSTAY_CACHE") or Path.home() / ".cache" / "mainstay")


def files_of_the_checkout() -> list[Path]:
    """Tracked files and new ones that no ignore rule covers, relative to the checkout."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=CHECKOUT, check=True, stdout=subprocess.PIPE,
    ).stdout.decode()
    names = [Path(name) for name in listing.split("\0") if name]
    return [name for name in names if (CHECKOUT / name).is_file() or (CHECKOUT / name).is_symlink()]


def wanted(name: Path, without: tuple[str, ...]) -> bool:
    return not any(name.is_relative_to(folder) for folder in without)


@contextlib.contextmanager
def collection_copy(purpose: str, without: tuple[str, ...] = ()) -> Iterator[Path]:
    """A fresh copy at .../ansible_collections/mainstay/ha, ours alone while the block runs.

    `purpose` names the copy, so that two tools can work beside each other; `without` names folders to
    leave out.
    A second run for the same purpose, from whatever checkout, waits for the first.
    """
    base = cache_folder() / "trees" / purpose
    base.mkdir(parents=True, exist_ok=True)
    with (base / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        root = base / "ansible_collections" / "mainstay" / "ha"
        shutil.rmtree(base / "ansible_collections", ignore_errors=True)
        for name in files_of_the_checkout():
            if wanted(name, without):
                (root / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(CHECKOUT / name, root / name, follow_symlinks=False)
        yield root
