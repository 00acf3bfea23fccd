# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of the director: how it runs, and what it may not do."""

from __future__ import annotations

import subprocess
import typing as t
from pathlib import Path

import pytest

from ansible_collections.mainstay.ha.plugins.filter.service_needs import service_needs

from .rendering import rendered, settings


def unit(document: t.Mapping[str, object] | None = None, **variables: object) -> str:
    """The unit of a director with this configuration; `variables` are the role's."""
    return rendered("director", "mainstay.service.j2", __mainstay_needs=service_needs(document or {}), **variables)


def programs(user: str) -> dict[str, object]:
    """A configuration with programs of this user, a FIFO among them."""
    return {
        "global_defs": {
            "script_user": user,
            "notify_fifo": "/run/mainstay/fifo",
            "notify_fifo_script": "/usr/local/bin/reader",
            "startup_script": "/usr/local/bin/first",
            "startup_script_timeout": 60,
            "shutdown_script": "/usr/local/bin/last",
        },
        "vrrp_track_processes": {"web": {"process": "nginx"}},
    }


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
        ("ProtectProc", ["invisible"]),
        ("TimeoutStartSec", ["30"]),
        ("TimeoutStopSec", ["15"]),
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


def test_programs_of_other_users_get_the_right_to_become_them_and_no_more() -> None:
    plain, found = settings(unit()), settings(unit(programs("nobody")))
    assert found["CapabilityBoundingSet"] == found["AmbientCapabilities"]
    assert found["AmbientCapabilities"] == [
        *plain["AmbientCapabilities"],
        "CAP_SETUID CAP_SETGID CAP_KILL",
        "CAP_CHOWN",
    ]
    # After those that take away: the last one counts.
    assert found["SystemCallFilter"] == [*plain["SystemCallFilter"], "@setuid", "@chown"]


def test_programs_of_its_own_user_get_time_and_nothing_else() -> None:
    plain, found = settings(unit()), settings(unit(programs("mainstay")))
    different = {key for key in found if found[key] != plain[key]}
    assert different == {"TimeoutStartSec", "TimeoutStopSec", "ProtectProc"}
    assert (found["TimeoutStartSec"], found["TimeoutStopSec"]) == (["90"], ["30"])


def test_processes_of_others_are_seen_where_some_are_tracked() -> None:
    assert settings(unit(programs("mainstay")))["ProtectProc"] == ["default"]


@pytest.mark.parametrize(
    ("document", "most"), [({}, 25), (programs("nobody"), 30)], ids=["default", "all that can be asked for"]
)
def test_its_exposure_is_small(tmp_path: Path, document: dict[str, object], most: int) -> None:
    """systemd's own judgement, in tenths; a setting that is lost shows here."""
    path = tmp_path / "mainstay.service"
    path.write_text(unit(document), encoding="utf-8")
    command = ["systemd-analyze", "security", "--offline=true", f"--threshold={most}", "--no-pager", str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
