# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets through, inside the kernel, the notifications that can mean the loss of a route or rule of ours.

A router that talks BGP changes thousands of routes in a second. A classic BPF program on the listening socket (struct
sock_filter of linux/filter.h) keeps the worker asleep for all of them: it passes a removed rule, a removed route of
protocol keepalived, and a route that replaced another, which may have been ours.
"""

from __future__ import annotations

import sys

from .packet_filter import EVERYTHING, IF_ANY_BIT, IF_EQUAL, LOAD_BYTE, RETURN, Instruction, packed
from .routes import RTM_DELROUTE, RTM_NEWROUTE, RTPROT_KEEPALIVED
from .rules import RTM_DELRULE

# Netlink is in host order, loads of BPF are in network order: look at single bytes.
_LITTLE = sys.byteorder == "little"
_TYPE_AT = 4 if _LITTLE else 5  # low byte of nlmsg_type; the types that matter are below 256
_FLAGS_AT = 7 if _LITTLE else 6  # high byte of nlmsg_flags, where NLM_F_REPLACE (0x100) is bit 0
_PROTOCOL_AT = 16 + 5  # rtm_protocol behind the netlink header
_PASS, _DROP = 8, 9  # instruction numbers below


def loss_filter() -> bytes:
    """The program, for packet_filter.attach."""
    return packed(
        Instruction(code, value, yes - at - 1 if yes else 0, no - at - 1 if no else 0)
        for at, (code, value, yes, no) in enumerate(
            (
                (LOAD_BYTE, _TYPE_AT, 0, 0),
                (IF_EQUAL, RTM_DELRULE, _PASS, 2),
                (IF_EQUAL, RTM_DELROUTE, 4, 3),
                (IF_EQUAL, RTM_NEWROUTE, 6, _DROP),
                (LOAD_BYTE, _PROTOCOL_AT, 0, 0),
                (IF_EQUAL, RTPROT_KEEPALIVED, _PASS, _DROP),
                (LOAD_BYTE, _FLAGS_AT, 0, 0),
                (IF_ANY_BIT, 1, _PASS, _DROP),
                (RETURN, EVERYTHING, 0, 0),
                (RETURN, 0, 0, 0),
            )
        )
    )
