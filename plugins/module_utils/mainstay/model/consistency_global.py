# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Contradictions within global_defs, and with what it refers to."""

from __future__ import annotations

import typing as t

from .config import Config, GlobalDefs
from .consistency_tracking import missing
from .problems import Problem

_FIFOS = ("notify_fifo", "vrrp_notify_fifo", "lvs_notify_fifo")


def global_contradictions(config: Config) -> t.Iterator[Problem]:
    """Every one of config.global_defs."""
    yield from _fifos(config.global_defs)
    yield from _mail(config.global_defs)
    daemon = config.global_defs.lvs_sync_daemon
    if daemon is not None and daemon.inst is not None:
        yield from missing(daemon.inst, config.vrrp_instances, "vrrp_instances", "global_defs.lvs_sync_daemon.inst")


def _fifos(defs: GlobalDefs) -> t.Iterator[Problem]:
    for key in _FIFOS:
        if getattr(defs, f"{key}_script") is not None and getattr(defs, key) is None:
            yield Problem(f"global_defs.{key}_script", None, f"has nothing to read without {key}; give its path.")
    seen: t.Dict[str, str] = {}
    for key in _FIFOS:
        fifo = getattr(defs, key)
        first = key if fifo is None else seen.setdefault(fifo, key)
        if first != key:
            message = f"is {first}'s path, too; every line would come twice. Give it its own, or leave it out."
            yield Problem(f"global_defs.{key}", fifo, message)


def _mail(defs: GlobalDefs) -> t.Iterator[Problem]:
    pair = {"smtp_username": defs.smtp_username, "smtp_password_file": defs.smtp_password_file}
    for key, other in (("smtp_username", "smtp_password_file"), ("smtp_password_file", "smtp_username")):
        if pair[key] is not None and pair[other] is None:
            yield Problem(f"global_defs.{key}", pair[key], f"needs {other}, too.")
    if defs.smtp_username is not None and not defs.smtp_starttls:
        message = "would send the password in clear text; set smtp_starttls to true."
        yield Problem("global_defs.smtp_username", defs.smtp_username, message)
    for key in ("smtp_username", "smtp_starttls", "smtp_helo_name"):
        if getattr(defs, key) and defs.smtp_server is None:
            yield Problem(
                f"global_defs.{key}", getattr(defs, key), "does nothing without smtp_server; name the server."
            )
