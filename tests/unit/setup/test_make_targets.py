# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The README tells every target that `make help` lists, and no other."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

CHECKOUT = Path(__file__).resolve().parents[3]


def listed() -> set[str]:
    done = subprocess.run(["make", "help"], cwd=CHECKOUT, capture_output=True, text=True, check=True, timeout=60)
    return set(re.findall(r"^  make (\S+)", done.stdout, re.MULTILINE))


def test_the_readme_tells_every_target_and_no_other() -> None:
    readme = (CHECKOUT / "README.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| (`make .*?) \|", readme, re.MULTILINE)
    told = {target for row in rows for target in re.findall(r"`make ([a-z-]+)", row)}
    assert told == listed() - {"help"}
