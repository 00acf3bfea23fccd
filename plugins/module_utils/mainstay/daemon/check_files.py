# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files that checks need: authorities, certificates, keys.

Warnings, no errors: a file may come later, and it is read again before every check. Until then the server stays as it
is, unchecked, which is worth knowing before somebody relies on it.
"""

from __future__ import annotations

import typing as t

from ..model.check_config import Check, HttpsCheck, SmtpCheck, Tls
from ..model.config import Config
from ..model.consistency_checks import placed_checks
from ..model.problems import Problem


def check_file_problems(config: Config) -> t.Iterator[Problem]:
    """One for each set of files that no check could use now, at the first check that names it."""
    seen: t.Set[Tls] = set()
    for path, tls in _named(config):
        trouble = "" if tls in seen else _trouble(tls)
        seen.add(tls)
        if trouble:
            yield Problem(path, None, f"cannot check, so its real_server stays as it is: {trouble}.")


def _named(config: Config) -> t.Iterator[t.Tuple[str, Tls]]:
    for service in config.virtual_servers.values():
        for index, server in enumerate(service.real_servers):
            place = f"virtual_servers.{service.name}.real_servers[{index}]"
            for path, check in placed_checks(server, place):
                tls = _tls(check)
                if tls is not None and (tls.ca_file or tls.certificate):
                    yield path, tls


def _tls(check: Check) -> t.Optional[Tls]:
    if isinstance(check, HttpsCheck):
        return check.tls
    return check.tls if isinstance(check, SmtpCheck) and check.starttls else None


def _trouble(tls: Tls) -> str:
    # Only who has such files pays for the TLS library, which is large.
    from ..net.probe_errors import OwnTrouble
    from ..net.tls_contexts import tls_context

    try:
        tls_context(tls)
    except OwnTrouble as trouble:
        return str(trouble)
    return ""
