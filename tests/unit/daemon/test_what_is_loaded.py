# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a daemon loads before it reads its configuration: three processes carry it, and the first advert waits for it.

Each of the modules below is a tenth of a megabyte to four, and a millisecond to forty.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

RUNTIME = Path(__file__).parents[3] / "plugins" / "module_utils"
NEEDLESS = {
    "argparse": "the command line of the unit is read without it",
    "datetime": "wall_clock.py writes times without it",
    "email": "only who mails needs it",
    "hashlib": "brings OpenSSL; model/sha256.py stands for it",
    "logging": "the journal is written without it",
    "mainstay.net.nftables": "only on that data plane, and only by the health worker",
    "mainstay.probes.rare": "only with a check of such a kind",
    "pickle": "only for large tables of nftables",
    "ssl": "brings OpenSSL; only with a check that speaks TLS",
    "subprocess": "programs are started without it",
}


def loaded_by(*arguments: str) -> set[str]:
    """Modules that the command loads until it ends."""
    done = subprocess.run(
        # Without site: what else is installed on this machine may load what it likes.
        [sys.executable, "-S", "-X", "importtime", "-m", "mainstay", *arguments],
        env={**os.environ, "PYTHONPATH": str(RUNTIME)},
        capture_output=True,
        text=True,
        timeout=60,
    )
    found = set(re.findall(r"^import time:.*\|\s+(\S+)$", done.stderr, re.MULTILINE))
    assert "mainstay.cli" in found, done.stderr
    return found


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> set[str]:
    """What a daemon has loaded that is called as the unit calls it, and finds no configuration."""
    folder = tmp_path_factory.mktemp("daemon")
    options = {"--config": "missing.json", "--run-dir": "run", "--state-dir": "state"}
    return loaded_by("daemon", *(word for name, value in options.items() for word in (name, str(folder / value))))


def test_both_workers_are_loaded_before_they_are_forked(daemon: set[str]) -> None:
    """A worker that starts anew in an emergency reads no file of ours, and nothing holds up its first advert."""
    assert {"mainstay.daemon.vrrp.worker", "mainstay.daemon.health.worker", "mainstay.daemon.supervisor"} <= daemon


@pytest.mark.parametrize("module", NEEDLESS)
def test_nothing_is_loaded_that_most_daemons_never_need(daemon: set[str], module: str) -> None:
    """Whoever needs one after all imports it in the function that does."""
    assert module not in daemon, NEEDLESS[module]


def test_a_module_that_is_loaded_is_seen() -> None:
    """The command line of a person is read by argparse."""
    assert "argparse" in loaded_by("version")
