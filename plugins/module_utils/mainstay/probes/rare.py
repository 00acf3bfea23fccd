# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The kinds of checks that few configurations have: who needs none of them never loads this."""

from __future__ import annotations

import typing as t

from . import dns, grpc, mysql, ping, postgres, redis, smtp, udp
from .task import Tasks

RARE: t.Mapping[str, Tasks] = {
    "smtp": smtp.tasks,
    "dns": dns.tasks,
    "udp": udp.tasks,
    "ping": ping.tasks,
    "grpc": grpc.tasks,
    "postgres": postgres.tasks,
    "mysql": mysql.tasks,
    "redis": redis.tasks,
}
