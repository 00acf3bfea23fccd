# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runtime as the role lays it out on a director: what is measured there is what people run."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

from netns.daemons import PYTHON

from ansible_collections.mainstay.ha.plugins.plugin_utils._archive import build_archive


def installed(folder: Path) -> Path:
    """A release of this checkout below `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    archive, release = folder / "mainstay.zip", folder / "release"
    archive.write_bytes(build_archive().content)
    subprocess.run([PYTHON, "-I", archive, "unpack", release], check=True)
    return release


def from_release(release: Path) -> t.Tuple[str, ...]:
    """What starts a daemon from there instead of from the checkout, for Daemon.through."""
    return "/usr/bin/env", f"PYTHONPATH={release}"
