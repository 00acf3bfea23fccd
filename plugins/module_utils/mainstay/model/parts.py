# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that stand directly in a section while their values are in a part of its object.

An instance or group has `tracking` and `notifications`, a check `tls`; a real server's check and checks are one tuple.
"""

from __future__ import annotations

import functools
import typing as t
from dataclasses import fields

from .check_config import Tls
from .lvs_config import RealServer
from .vrrp_config import Notifications, Tracking

_PARTS: t.Mapping[str, t.Callable[..., t.Any]] = {"tracking": Tracking, "notifications": Notifications, "tls": Tls}
_PART_OF: t.Mapping[str, str] = {
    **{field.name: "tracking" for field in fields(Tracking)},
    **{field.name: "notifications" for field in fields(Notifications)},
    **{field.name: "tls" for field in fields(Tls)},
}


_KEYS_OF: t.Mapping[str, t.Tuple[str, ...]] = {
    **{
        name: tuple(field.name for field in fields(part))
        for name, part in (("tracking", Tracking), ("notifications", Notifications), ("tls", Tls))
    },
    "checks": ("check", "checks"),
}


def keys_of(name: str) -> t.Tuple[str, ...]:
    """Keys of a section that a field of its object holds; usually the one of its name."""
    return _KEYS_OF.get(name) or (name,)


def option_value(value: object, key: str) -> t.Any:
    """What an object has for a key of its section."""
    if isinstance(value, RealServer) and key in ("check", "checks"):
        return _checks(value, key)
    if hasattr(value, key):
        return getattr(value, key)
    return getattr(getattr(value, _PART_OF[key]), key)


def _checks(server: RealServer, key: str) -> t.Any:
    """One check stands in check, several stand in checks."""
    if len(server.checks) == 1:
        return server.checks[0] if key == "check" else ()
    return server.checks if key == "checks" else None


def gathered(build: t.Callable[..., t.Any], values: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """The values of a section as the dataclass `build` takes them, its parts put together."""
    own = dict(values)
    for part in _parts_of(build):
        inner = {key: own.pop(key) for key in values if _PART_OF.get(key) == part}
        if inner:
            own[part] = _PARTS[part](**inner)
    return own


@functools.cache
def _parts_of(build: t.Any) -> t.Tuple[str, ...]:
    return tuple(field.name for field in fields(build) if field.name in _PARTS)
