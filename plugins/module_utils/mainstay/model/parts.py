# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keys that stand directly in an instance or group, while their values are in its `tracking` or `notifications`."""

from __future__ import annotations

import dataclasses
import typing as t

from .vrrp_config import Notifications, Tracking

_PARTS: t.Mapping[str, t.Callable[..., object]] = {"tracking": Tracking, "notifications": Notifications}
_PART_OF: t.Mapping[str, str] = {
    **{field.name: "tracking" for field in dataclasses.fields(Tracking)},
    **{field.name: "notifications" for field in dataclasses.fields(Notifications)},
}


def option_value(value: object, key: str) -> t.Any:
    """What an object has for a key of its section."""
    if hasattr(value, key):
        return getattr(value, key)
    return getattr(getattr(value, _PART_OF[key]), key)


def gathered(values: t.Mapping[str, t.Any]) -> t.Dict[str, t.Any]:
    """The values of a section as its dataclass takes them, tracking and notifications put together."""
    own = {key: item for key, item in values.items() if key not in _PART_OF}
    for part, build in _PARTS.items():
        inner = {key: item for key, item in values.items() if _PART_OF.get(key) == part}
        if inner:
            own[part] = build(**inner)
    return own
