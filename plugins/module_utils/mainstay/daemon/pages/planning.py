# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a reload would change: the file beside what the daemon runs.

It is made where the command runs, with the rights of whoever runs it: the daemon opens no file for anybody, and a
configuration of any size is no request. The daemon tells what it runs, without secrets; to root it also tells a keyed
digest of each secret, so that a changed password is seen although it is shown to nobody. A data plane that a reload
would open is opened here for a look, which is root's too.
"""

from __future__ import annotations

import os
import typing as t
from dataclasses import asdict, dataclass

from ...lvs.overrides import MAINTENANCE
from ...model.changes import ObjectChange, changes
from ...model.config import Config
from ...model.dump import config_document, hide_secrets
from ...model.load import load_config
from ..client import DaemonUnreachable, request
from ..lost_orders import LostOrder, lost_orders
from ..operations import fingerprints
from ..overrides import ServerOrder
from .page_words import Section, section_of, text
from .plan_moves import Move, moves
from .plan_pools import PoolChange, opens_engine, pool_changes

WhyAbsent = t.Callable[[str], str]

_AUTHENTICATION = ("authentication", "auth_hmac")


@dataclass(frozen=True)
class ReloadPlan:
    """The answer to `mainstay plan`."""

    changes: t.Tuple[ObjectChange, ...]
    moves: t.Tuple[Move, ...]
    pools: t.Tuple[PoolChange, ...]
    secrets_compared: bool
    states_known: bool
    """The vrrp worker has said just now who is master."""
    orders: t.Tuple[LostOrder, ...] = ()
    engine_looked_for: bool = True
    """Whether the data plane is there that a reload would open; True also when it would open none."""

    def document(self) -> t.Dict[str, t.Any]:
        """JSON-able."""
        return asdict(self)

    def page(self) -> str:
        """For people, with a line end."""
        lines = [f"!! {_move_sentence(move)}" for move in self.moves if move.certain]
        lines += [f"!! {_pool_sentence(one)}" for one in self.pools if one.certain]
        lines += [f"!! {_order_sentence(one)}" for one in self.orders]
        lines += [f"!? {_move_sentence(move)}" for move in self.moves if not move.certain]
        lines += [f"!? {_pool_sentence(one)}" for one in self.pools if not one.certain]
        for change in self.changes:
            lines.append(f"{text(change.subject)}: {change.change}")
            lines += [f"  {text(line)}" for option in change.options for line in option.sentences()]
        lines += [] if self.changes else ["a reload would change nothing"]
        lines += self._outcome()
        lines += [] if self.secrets_compared else ["passwords and keys were not compared: that is for root"]
        if not self.engine_looked_for:
            lines.append("whether this machine has the data_plane of the file was not looked at: that is for root")
        return "\n".join(lines) + "\n"

    def _outcome(self) -> t.List[str]:
        if not self.states_known:
            return ["!! the vrrp worker does not answer: which virtual IPs would move is not known"]
        return [] if self.moves else ["no virtual IP moves by this alone"]


def reload_plan(wanted: Config, run_directory: str, why_absent: t.Optional[WhyAbsent]) -> ReloadPlan:
    """What a reload to `wanted` would change. `why_absent` opens a data plane by its name and says why that failed, or
    ""; None when whoever runs this may not. Raises DaemonUnreachable.
    """
    salt = os.urandom(16).hex()
    running = request("running", run_directory, salt=salt)
    if not running.get("ok"):
        raise DaemonUnreachable(f"mainstayd does not tell what it runs: {running.get('error')}")
    status = request("status", run_directory)
    vrrp = section_of(status, "vrrp")
    document, digests = section_of(running, "document"), running.get("fingerprints")
    new = config_document(wanted)
    found = changes(document, hide_secrets(new), _differing(digests, fingerprints(new, salt.encode("ascii"))))
    before, after = _loaded(document), _loaded(hide_secrets(new))
    moving = moves(before, after, vrrp, _reauthenticated(found))
    lvs = section_of(status, "lvs")
    opens = opens_engine(after, lvs)
    absent = why_absent(after.global_defs.data_plane) if opens and why_absent else ""
    pools = pool_changes(before, after, lvs, absent)
    lost = lost_orders(_orders(section_of(status, "overrides")), before, after)
    known = digests is not None, bool(vrrp.get("alive"))
    looked = why_absent is not None or not opens
    return ReloadPlan(tuple(found), tuple(moving), tuple(pools), *known, tuple(lost), looked)


def _orders(overrides: Section) -> t.List[ServerOrder]:
    """What people ordered, and files: a file of the maintenance_directory hangs on names, too."""
    fields = ("service", "server", "action", "weight", "by", "at", "reason")
    orders = [ServerOrder(*(one[field] for field in fields)) for one in overrides.get("orders") or ()]
    directory = section_of(overrides, "maintenance_directory")
    for name, held in section_of(directory, "files").items():
        by = f"file {directory.get('path')}/{name}"
        whom = (one.partition(" ") for one in held if name != one.partition(" ")[2].rpartition(":")[0].strip("[]"))
        orders += [ServerOrder(service, server, MAINTENANCE, None, by, "", "") for service, _space, server in whom]
    return orders


def _reauthenticated(found: t.Iterable[ObjectChange]) -> t.FrozenSet[str]:
    return frozenset(
        change.name
        for change in found
        if change.section == "vrrp_instances" and any(one.option in _AUTHENTICATION for one in change.options)
    )


def _differing(old: t.Optional[t.Mapping[str, str]], new: t.Mapping[str, str]) -> t.FrozenSet[str]:
    return frozenset() if old is None else frozenset(path for path in {*old, *new} if old.get(path) != new.get(path))


def _loaded(document: t.Mapping[str, t.Any]) -> Config:
    """What no secret is needed for."""
    instances = {
        name: {key: value for key, value in entry.items() if key not in _AUTHENTICATION}
        for name, entry in section_of(document, "vrrp_instances").items()
    }
    return load_config({**document, "vrrp_instances": instances})


def _move_sentence(move: Move) -> str:
    what = f"{', '.join(move.addresses)} " if move.addresses else ""
    word = "moves" if move.certain else "may move"
    return f"vrrp_instance {text(move.instance)}: {text(what)}{word}: {text(move.why)}"


def _pool_sentence(one: PoolChange) -> str:
    return f"{text(one.subject)}: {text(one.why)}"


def _order_sentence(one: LostOrder) -> str:
    return f"{text(one.subject)}: {text(one.what)}; after the reload {text(one.remedy)}"
