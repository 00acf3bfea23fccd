# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether our nftables table is there, its flags and its chains' names: asked of the kernel without libnftables.

linux/netfilter/nf_tables.h; numbers inside attributes are in network order. libnftables before 1.1.0 takes the flag of
a table that has exactly one out of memory it has freed already (mended upstream in November 2023: "json: fix use after
free in table_flags_json()"). What it prints then is garbage or an answer cut short, and it may end the process. A
listing of all tables meets the flags of other people's tables too. So this is asked first, and only a table without
flags is listed as JSON.
"""

from __future__ import annotations

import errno
import os
import struct
import typing as t

from .data_plane import DataPlaneUnavailable
from .netlink import KernelSocket, Message, decode, encode
from .nftables_names import TABLE

_NETLINK_NETFILTER = 12
_GET_TABLE, _GET_CHAIN, _GET_GENERATION = 0x0A01, 0x0A04, 0x0A10  # subsystem nftables (10), then the message
_NFPROTO_INET = 1
_HEADER = struct.pack("!BBH", _NFPROTO_INET, 0, 0)
_NFTA_TABLE_NAME, _NFTA_TABLE_FLAGS = 1, 2
_NFTA_CHAIN_TABLE, _NFTA_CHAIN_NAME = 1, 3
_NFTA_GEN_ID = 1
_NAME = TABLE.encode() + b"\0"

MISSING = "this kernel has no nf_tables: load it with 'modprobe nf_tables'"
FORBIDDEN = "mainstayd may not use nftables: it needs the capability CAP_NET_ADMIN (the unit file grants it)"

_Said = t.TypeVar("_Said")


class KernelTable:
    """The table `inet mainstay` of the network namespace this was opened in. Everything raises DataPlaneUnavailable."""

    def __init__(self) -> None:
        self._socket = _told(lambda: KernelSocket(_NETLINK_NETFILTER))

    def close(self) -> None:
        """Give the socket back."""
        self._socket.close()

    def generation(self) -> int:
        """One more at each transaction of any program in any table; clients that are remembered do not count."""
        answer = _told(lambda: self._socket.ask(Message(_GET_GENERATION, _HEADER)))
        return int.from_bytes(decode(answer, len(_HEADER))[_NFTA_GEN_ID], "big")

    def flags(self) -> t.Optional[int]:
        """NFT_TABLE_F_* of the table, 0 for none; None when there is no such table."""
        question = Message(_GET_TABLE, _HEADER + encode([(_NFTA_TABLE_NAME, _NAME)]))
        answer = _told(lambda: self._ask(question))
        if answer is None:
            return None
        return int.from_bytes(decode(answer, len(_HEADER))[_NFTA_TABLE_FLAGS], "big")

    def chains(self) -> t.List[str]:
        """Names of the table's chains; empty when there is no such table."""
        bodies = _told(lambda: self._socket.dump(Message(_GET_CHAIN, _HEADER)))
        found = [decode(body, len(_HEADER)) for body in bodies]
        ours = [chain for chain in found if chain[_NFTA_CHAIN_TABLE] == _NAME]
        return [chain[_NFTA_CHAIN_NAME].rstrip(b"\0").decode("utf-8", "replace") for chain in ours]

    def _ask(self, question: Message) -> t.Optional[bytes]:
        try:
            return self._socket.ask(question)
        except FileNotFoundError:
            return None


def unavailable(complaint: str) -> DataPlaneUnavailable:
    """A complaint of kernel or libnftables as a sentence with its remedy."""
    if "not permitted" in complaint:
        return DataPlaneUnavailable(FORBIDDEN)
    return DataPlaneUnavailable(f"nftables does not work in this kernel: {complaint}")


def _told(talk: t.Callable[[], _Said]) -> _Said:
    try:
        return talk()
    except OSError as error:
        # EINVAL is what nfnetlink says for a subsystem that is not there and cannot be loaded.
        if error.errno in (errno.EINVAL, errno.EPROTONOSUPPORT, errno.EOPNOTSUPP):
            raise DataPlaneUnavailable(MISSING) from error
        raise unavailable(os.strerror(error.errno) if error.errno else "no answer in time") from error
