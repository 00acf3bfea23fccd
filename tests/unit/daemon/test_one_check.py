# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One check, run now: what it answers, and how little it loads (a module ships its whole import graph to the host)."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path

import pytest

from mainstay.daemon.one_check import run_check
from mainstay.model.config import HttpCheck, TcpCheck
from mainstay.probes.verdict import Verdict

RUNTIME = Path(__file__).resolve().parents[3] / "plugins/module_utils"


def test_a_listening_server_is_up_and_a_closed_port_is_not() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        assert run_check(TcpCheck(), "127.0.0.1", port).verdict == Verdict(True, "connection opened")
    assert run_check(TcpCheck(), "127.0.0.1", port).verdict == Verdict(False, "connection refused")


def test_connect_port_of_the_check_is_probed_instead_of_the_servers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        check = TcpCheck(connect_port=listener.getsockname()[1])
        assert run_check(check, "127.0.0.1", 1).verdict.ok


def test_a_path_that_would_bend_the_request_is_refused_before_any_connection() -> None:
    with pytest.raises(ValueError, match="path"):
        run_check(HttpCheck(path="/\r\nHost: evil"), "127.0.0.1", 1)


def test_it_loads_only_what_a_probe_needs() -> None:
    listing = "import sys, mainstay.daemon.one_check; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(RUNTIME)!r}); {listing}"],
        check=True,
        capture_output=True,
        text=True,
    )
    loaded = done.stdout.split()
    own = {name for name in loaded if name.startswith("mainstay.") and name.count(".") == 2}
    assert {name for name in own if ".daemon." in name} == {
        "mainstay.daemon.check_tasks",
        "mainstay.daemon.one_check",
        "mainstay.daemon.reactor",
        "mainstay.daemon.timer_descriptor",
    }
    # Of the configuration values alone, and of the net what carries a probe.
    assert not {name for name in own if ".options" in name or name.endswith((".load", ".walk", ".lvs_defaults"))}
    carriers = ("polling", "probe_", "check_run", "datagram_run", "bounded_search")
    assert not {name for name in own if ".net." in name and not name.rpartition(".")[2].startswith(carriers)}
    assert not {"pyroute2", "nftables", "asyncio", "ssl", "argparse"} & set(loaded)
