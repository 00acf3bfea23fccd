# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""SHA-256 without OpenSSL, and a daemon without what an idle one does not need."""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from mainstay.model.sha256 import sha256

RUNTIME = Path(__file__).resolve().parents[3] / "plugins" / "module_utils"
DAEMON = """
import sys
from mainstay.cli import main
from mainstay.daemon.health.worker import HealthWorker
from mainstay.daemon.supervisor import run_daemon
from mainstay.daemon.vrrp.worker import worker_of_a_daemon_that_starts_now
print(*sorted(sys.modules))
"""


@pytest.mark.parametrize("content", [b"", b"mainstay", bytes(1000)])
def test_it_is_the_digest_of_hashlib(content: bytes) -> None:
    assert sha256(content) == hashlib.sha256(content).hexdigest()


def test_a_python_without_code_of_its_own_asks_hashlib() -> None:
    without = "import sys; sys.modules.update(_sha2=None, _sha256=None)\n"
    asked = "from mainstay.model.sha256 import sha256; print(sha256(b'mainstay'), 'hashlib' in sys.modules)"
    argv = [sys.executable, "-S", "-c", without + asked]
    told = subprocess.run(argv, cwd=RUNTIME, capture_output=True, text=True, check=True).stdout.split()
    assert told == [hashlib.sha256(b"mainstay").hexdigest(), "True"]


def test_a_daemon_that_starts_loads_no_openssl_and_no_command_line() -> None:
    """A router with auth_hmac, a check with TLS and a mail load what they need when they are configured or used."""
    argv = [sys.executable, "-S", "-c", DAEMON]
    told = subprocess.run(argv, cwd=RUNTIME, capture_output=True, text=True, check=True).stdout.split()
    needless = {"_hashlib", "hashlib", "ssl", "_ssl", "argparse", "pathlib", "urllib.parse", "nftables", "pickle"}
    assert needless.intersection(told) == set()
