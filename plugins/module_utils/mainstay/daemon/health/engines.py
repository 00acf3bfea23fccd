# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two data planes by their names in global_defs.data_plane."""

from __future__ import annotations

import typing as t

from ...model.units import Duration, seconds
from ...net.data_plane import DataPlane, DataPlaneUnavailable

OpenEngine = t.Callable[[str], DataPlane]

NFTABLES = "nftables"

FIRST_PAUSE = seconds(0.1)
LONGEST_PAUSE = seconds(10)


class ReopenPauses:
    """How long to wait before a lost engine is opened again.

    Most losses pass in no time (a full buffer, a late answer), and until then a failed server stays in its pool. So
    the first attempt comes soon. Each later pause is twice the one before: a module that is not loaded stays away.
    """

    def __init__(self) -> None:
        self.latest: Duration = 0
        """The pause given out last; 0 when the next one is the first."""

    def next(self) -> Duration:
        """The pause before the next attempt."""
        self.latest = min(2 * self.latest, LONGEST_PAUSE) if self.latest else FIRST_PAUSE
        return self.latest

    def forget(self) -> None:
        """The engine has worked for a while: the next loss is a new one."""
        self.latest = 0


def open_engine(name: str) -> DataPlane:
    """The engine, open. Raises DataPlaneUnavailable when kernel or libraries lack it.

    Only the engine in use is loaded: each brings libraries of its own.
    """
    return _OPENERS[name]()


def why_absent(name: str) -> str:
    """Why this machine cannot use the engine now, with the remedy; "" when it can. Leaves no trace."""
    try:
        open_engine(name).close()
    except DataPlaneUnavailable as unavailable:
        return str(unavailable)
    return ""


def owns_whole_table(name: str) -> bool:
    """nftables reads a table that is ours alone; ip_vs has one table for everybody."""
    return name == NFTABLES


def _ipvs() -> DataPlane:
    from ...net.ipvs import IpvsPlane

    return IpvsPlane()


def _nftables() -> DataPlane:
    from ...net.nftables import NftablesPlane

    return NftablesPlane()


_OPENERS: t.Mapping[str, t.Callable[[], DataPlane]] = {"ipvs": _ipvs, NFTABLES: _nftables}
