# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Comments in our nftables rules: what an operator reads there, and what the rules alone do not tell.

`wrr`, `sh port`, `rr persistent 300/24 masquerade`, `weight 2`: the slots alone do not tell 1:2 from 2:4.
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ..lvs.table import Service, ServiceKey

_PERSISTENT = "persistent"


def weight_comment(weight: int) -> str:
    """Of a server."""
    return f"weight {weight}"


def parse_weight(comment: str) -> t.Optional[int]:
    """None for anything else."""
    word, _space, weight = comment.partition(" ")
    return int(weight) if word == "weight" and weight.isdigit() else None


def service_comment(service: Service) -> str:
    """Of a service: scheduler, persistence, flags."""
    words = [service.lb_algo]
    if service.persistence_timeout:
        length = service.persistence_granularity
        words += [_PERSISTENT, f"{service.persistence_timeout}" + ("" if length is None else f"/{length}")]
    return " ".join([*words, *sorted(service.flags)])


def parse_service(key: ServiceKey, comment: str) -> t.Optional[Service]:
    """The service that the comment describes, with an empty pool; None for what was not written here."""
    lb_algo, *words = comment.split(" ")
    described = Service(key, lb_algo)
    if words[:1] == [_PERSISTENT]:
        seconds, _slash, length = "".join(words[1:2]).partition("/")
        if not seconds.isdigit() or (length and not length.isdigit()):
            return None
        words = words[2:]
        granularity = int(length) if length else None
        described = replace(described, persistence_timeout=int(seconds), persistence_granularity=granularity)
    return replace(described, flags=frozenset(words)) if lb_algo else None
