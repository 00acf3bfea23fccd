# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sections inside sections: addresses, peers, references, commands and keys; those of pools are nested_lvs.py's."""

from __future__ import annotations

import functools
import typing as t

from .config import LvsSyncDaemon
from .json_text import join
from .nested_items import MAXIMUM_LIST, command, list_of, mapping_of, short
from .nested_lvs import NESTED_LVS
from .options import LEFT_OUT, REFERENCES
from .tracking import TrackReference
from .vrrp_config import Authentication, HmacAuthentication, HmacKey, UnicastPeer, VirtualAddress
from .walk import ReadNested, Walk

_AH = (
    "cannot be AH: it would need IPsec between the routers, and MD5 is no protection any more. "
    "Write PASS against mistakes, or auth_hmac against people."
)

_ADDRESS_WORDS = {
    "dev": "dev",
    "label": "label",
    "brd": "brd",
    "broadcast": "brd",
    "scope": "scope",
    "preferred_lft": "preferred_lft",
}
_PEER_WORDS = {"min_ttl": "min_ttl", "max_ttl": "max_ttl"}
_REFERENCE_WORDS = {"weight": "weight"}
_REFERENCE_FLAGS = {"reverse": ("reverse", True), "noreverse": ("reverse", False)}


def _virtual_address(walk: Walk, item: object, path: str) -> t.Optional[VirtualAddress]:
    if not isinstance(item, (str, t.Mapping)):
        walk.note(path, item, "must be '192.0.2.10/24' or a mapping with 'address'.")
        return None
    values = short(
        walk,
        item,
        path,
        lambda text: mapping_of(text, "address", _ADDRESS_WORDS, {}, LEFT_OUT["virtual_address"]),
        lambda mapping: walk.section("virtual_address", mapping, path),
    )
    if values is None:
        return None
    address, prefix_length = values.pop("address")
    wrong = next((key for key in ("label", "brd", "scope") if key in values), None) if ":" in address else None
    if wrong is not None:
        walk.note(path, address, f"is an IPv6 address, which has no {wrong}; leave that out.")
        return None
    return VirtualAddress(address, prefix_length, **values)


def _unicast_peer(walk: Walk, item: object, path: str) -> t.Optional[UnicastPeer]:
    values = short(
        walk,
        item,
        path,
        lambda text: mapping_of(text, "address", _PEER_WORDS, {}, {}),
        lambda mapping: walk.section("unicast_peer", mapping, path),
    )
    return UnicastPeer(**values) if values is not None else None


def _reference(form: str, walk: Walk, item: object, path: str) -> t.Optional[TrackReference]:
    values = short(
        walk,
        item,
        path,
        lambda text: mapping_of(text, "name", _REFERENCE_WORDS, _REFERENCE_FLAGS, {}),
        lambda mapping: walk.section("track_reference", mapping, path, REFERENCES[form]),
    )
    return TrackReference(**values) if values is not None else None


def _authentication(walk: Walk, value: object, path: str) -> t.Optional[Authentication]:
    if isinstance(value, t.Mapping) and value.get("auth_type") == "AH":
        walk.note(join(path, "auth_type"), "AH", _AH)
        return None
    values = walk.section("authentication", value, path)
    return Authentication(**values) if values is not None else None


def _hmac_key(walk: Walk, item: object, path: str) -> t.Optional[HmacKey]:
    values = walk.section("hmac_key", item, path)
    if values is None:
        return None
    secret, file = values["key"]
    return HmacKey(values["id"], secret, file)


def _hmac(walk: Walk, value: object, path: str) -> t.Optional[HmacAuthentication]:
    before = len(walk.problems)
    values = walk.section("auth_hmac", value, path)
    return HmacAuthentication(**values) if values is not None and len(walk.problems) == before else None


def _lvs_sync_daemon(walk: Walk, value: object, path: str) -> t.Optional[LvsSyncDaemon]:
    values = walk.section("lvs_sync_daemon", value, path)
    return LvsSyncDaemon(**values) if values is not None else None


NESTED: t.Mapping[str, ReadNested] = {
    "virtual_addresses": list_of(0, 255, "addresses", _virtual_address),
    "many_addresses": list_of(0, MAXIMUM_LIST, "addresses", _virtual_address),
    "unicast_peers": list_of(1, 255, "peers", _unicast_peer),
    **{form: list_of(0, MAXIMUM_LIST, "references", functools.partial(_reference, form)) for form in REFERENCES},
    "command": command,
    "authentication": _authentication,
    "auth_hmac": _hmac,
    "hmac_keys": list_of(1, 255, "keys", _hmac_key),
    "lvs_sync_daemon": _lvs_sync_daemon,
    **NESTED_LVS,
}
"""Form -> its reader."""
