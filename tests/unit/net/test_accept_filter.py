# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The bytes of the accept filter; whether the kernel takes them is for tests/netns/test_vrrp_accept.py."""

from __future__ import annotations

import errno
import struct

import pytest

from mainstay.net import accept_filter, accept_socket
from mainstay.net.accept_filter import Element, adding_batch, address_element, removing_batch, table_batch

HEADER = struct.Struct("=IHHII")


def kinds(batch: bytes) -> list[int]:
    """The message types of a batch, without their subsystem."""
    found, offset = [], 0
    while offset < len(batch):
        length, kind, *_rest = HEADER.unpack_from(batch, offset)
        found.append(kind & 0xFF)
        offset += length
    assert offset == len(batch), "every message is padded to four bytes"
    return found


@pytest.mark.parametrize(
    ("address", "of", "key"),
    [
        ("192.0.2.10", "addresses4", bytes([192, 0, 2, 10])),
        ("2001:db8::1", "addresses6", bytes.fromhex("20010db8000000000000000000000001")),
        ("fe80::51", "link_local6", bytes.fromhex("fe800000000000000000000000000051") + struct.pack("=I", 7)),
    ],
)
def test_an_address_has_its_set_and_a_link_local_one_counts_on_its_interface_alone(
    address: str, of: str, key: bytes
) -> None:
    assert address_element(address, 7) == Element(of, key)


def test_a_change_is_one_message_for_each_set_between_begin_and_end() -> None:
    elements = [address_element(address, 2) for address in ("192.0.2.10", "192.0.2.11", "2001:db8::1")]
    assert kinds(adding_batch(elements)) == [16, 12, 12, 17]
    assert kinds(removing_batch(elements)) == [16, 14, 14, 17]
    assert kinds(adding_batch([])) == []


def test_the_whole_table_replaces_whatever_is_there_in_one_transaction() -> None:
    found = kinds(table_batch([address_element("192.0.2.10", 2)]))
    assert found[:5] == [16, 0, 2, 0, 3]
    assert found.count(9) == len(accept_filter.SETS)
    assert found.count(6) == accept_filter.RULES
    assert found[-2:] == [12, 17]


def test_the_first_refusal_of_a_batch_is_found_and_an_acknowledgement_is_none() -> None:
    def said(number: int) -> bytes:
        return HEADER.pack(20, 2, 0, 0, 0) + struct.pack("=i", -number)

    assert accept_socket._refusal(said(0) + said(errno.ENOENT) + said(errno.EPERM)) == errno.ENOENT
    assert accept_socket._refusal(said(0)) == 0
    assert accept_socket._refusal(b"") == 0
