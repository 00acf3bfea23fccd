# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that checks name: those that cannot be used are told before somebody relies on the check."""

from __future__ import annotations

from pathlib import Path

from mainstay.daemon.check_files import check_file_problems
from mainstay.model.check_config import Check, HttpsCheck, SmtpCheck, TcpCheck, Tls
from mainstay.model.config import Config
from mainstay.model.lvs_config import RealServer, VirtualServer


def told(*checks: Check) -> list[str]:
    servers = tuple(RealServer(address=f"192.0.2.{21 + at}", port=443, checks=(one,)) for at, one in enumerate(checks))
    web = VirtualServer(name="web", address="192.0.2.10", port=443, protocol="TCP", real_servers=servers)
    return [str(problem) for problem in check_file_problems(Config(virtual_servers={"web": web}))]


def test_a_missing_ca_file_is_told_once_at_the_first_check_that_names_it(tmp_path: Path) -> None:
    tls = Tls(verify="full", ca_file=str(tmp_path / "ca.pem"))
    assert told(TcpCheck(), HttpsCheck(tls=tls), HttpsCheck(tls=tls)) == [
        "virtual_servers.web.real_servers[1].check: cannot check, so its real_server stays as it is: "
        f"ca_file {tmp_path}/ca.pem: No such file or directory."
    ]


def test_what_is_no_certificate_is_told(tmp_path: Path) -> None:
    (tmp_path / "ca.pem").write_text("not a certificate")
    (problem,) = told(SmtpCheck(starttls=True, tls=Tls(verify="full", ca_file=str(tmp_path / "ca.pem"))))
    assert "ca_file" in problem


def test_files_that_nobody_would_read_are_no_trouble(tmp_path: Path) -> None:
    tls = Tls(verify="none", ca_file=str(tmp_path / "ca.pem"))
    assert told(HttpsCheck(tls=tls), HttpsCheck(), SmtpCheck(tls=Tls(verify="full", ca_file="/gone"))) == []
