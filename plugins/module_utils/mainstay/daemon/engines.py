# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The two data planes by their names in global_defs.data_plane."""

from __future__ import annotations

import typing as t

from ..net.data_plane import DataPlane

OpenEngine = t.Callable[[str], DataPlane]

NFTABLES = "nftables"


def open_engine(name: str) -> DataPlane:
    """The engine, open. Raises DataPlaneUnavailable when kernel or libraries lack it.

    Only the engine in use is loaded: each brings libraries of its own.
    """
    return _OPENERS[name]()


def owns_whole_table(name: str) -> bool:
    """nftables reads a table that is ours alone; ip_vs has one table for everybody."""
    return name == NFTABLES


def _ipvs() -> DataPlane:
    from ..net.ipvs import IpvsPlane

    return IpvsPlane()


def _nftables() -> DataPlane:
    from ..net.nftables import NftablesPlane

    return NftablesPlane()


_OPENERS: t.Mapping[str, t.Callable[[], DataPlane]] = {"ipvs": _ipvs, NFTABLES: _nftables}
