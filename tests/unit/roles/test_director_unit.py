# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of the director: how it runs, and what it may not do."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from .rendering import rendered, settings


def unit(**variables: object) -> str:
    return rendered("director", "mainstay.service.j2", **variables)


@pytest.mark.parametrize(
    ("setting", "values"),
    [
        ("Type", ["notify"]),
        ("NotifyAccess", ["main"]),
        ("WatchdogSec", ["5"]),
        ("Restart", ["always"]),
        ("RestartPreventExitStatus", ["78"]),
        ("KillMode", ["mixed"]),
        ("User", ["mainstay"]),
        ("RuntimeDirectoryMode", ["0750"]),
        ("RuntimeDirectoryPreserve", ["restart"]),
        ("StateDirectory", ["mainstay"]),
        ("NoNewPrivileges", ["yes"]),
        ("Nice", ["-5"]),
        # Python needs half a second at least.
        ("LimitRTTIME", ["1s"]),
        ("MemoryHigh", ["384M"]),
        ("MemoryMax", ["512M"]),
        ("LimitCORE", ["0"]),
        ("UMask", ["0077"]),
        ("ProtectSystem", ["strict"]),
        ("RestrictAddressFamilies", ["AF_UNIX AF_INET AF_INET6 AF_NETLINK AF_PACKET"]),
        ("SystemCallErrorNumber", ["EPERM"]),
    ],
)
def test_what_the_daemon_relies_on(setting: str, values: list[str]) -> None:
    assert settings(unit())[setting] == values


def test_the_daemon_may_have_no_capability_that_it_is_not_given() -> None:
    found = settings(unit())
    assert found["CapabilityBoundingSet"] == found["AmbientCapabilities"]
    assert found["AmbientCapabilities"] == ["CAP_NET_ADMIN CAP_NET_RAW CAP_SYS_NICE CAP_IPC_LOCK"]


def test_every_command_runs_the_installed_release_isolated() -> None:
    found = settings(unit(mainstay_python="/opt/python/bin/python3"))
    commands = [found[key][0] for key in ("ExecStart", "ExecReload", "ExecStopPost")]
    assert [command.split()[:3] for command in commands] == 3 * [
        ["/opt/python/bin/python3", "-I", "/usr/lib/mainstay/current"]
    ]
    assert [command.split()[3] for command in commands] == ["daemon", "reload", "release"]


def test_forwarding_is_on_before_the_daemon_starts_and_needs_no_package() -> None:
    """As root, and a kernel that lacks a setting does not keep the daemon from starting."""
    assert settings(unit())["ExecStartPre"] == [
        "-+/usr/lib/systemd/systemd-sysctl /etc/sysctl.d/60-mainstay.conf",
    ]


def test_ip_vs_is_loaded_for_the_data_plane_that_needs_it() -> None:
    assert settings(unit())["Wants"] == ["modprobe@ip_vs.service"]
    assert "Wants" not in settings(unit(mainstay_global_defs={"data_plane": "nftables"}))


def test_its_exposure_is_small(tmp_path: Path) -> None:
    """systemd's own judgement, in tenths; a setting that is lost shows here."""
    path = tmp_path / "mainstay.service"
    path.write_text(unit(), encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=true", "--threshold=25", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
