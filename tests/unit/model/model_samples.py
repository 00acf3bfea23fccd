# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Documents and configurations for the stories about the model."""

from __future__ import annotations

import copy
import typing as t

from hypothesis import strategies as st

from mainstay.model.check_config import GreetingCheck, HttpCheck, HttpsCheck, MiscCheck, TcpCheck, Tls, UdpCheck
from mainstay.model.commands import Command
from mainstay.model.config import Config, GlobalDefs, VirtualAddress, VrrpInstance
from mainstay.model.load import load_config
from mainstay.model.lvs_config import RealServer, SorryServer, VirtualServer
from mainstay.model.problems import ConfigError, Problem

Document = t.Dict[str, t.Any]

GOOD: Document = {
    "global_defs": {"data_plane": "ipvs"},
    "vrrp_instances": {
        "VI_1": {
            "interface": "eth0",
            "virtual_router_id": 51,
            "priority": 150,
            "advert_int": 1,
            "virtual_ipaddress": ["192.0.2.10/24"],
        }
    },
    "virtual_servers": {
        "web": {
            "address": "192.0.2.10",
            "port": 80,
            "protocol": "TCP",
            "lb_algo": "wrr",
            "lb_kind": "DR",
            "delay_loop": 2,
            "real_servers": [
                {"address": "192.0.2.21", "port": 80, "check": {"type": "http", "path": "/healthz"}},
                {"address": "192.0.2.22", "port": 80, "check": {"type": "tcp"}},
            ],
        }
    },
}

NEEDED: t.Mapping[str, Document] = {
    "misc": {"misc_path": "/usr/local/bin/check"},
    "file": {"track_file": "load"},
    "bfd": {"name": "peer"},
}
"""Kind of check -> what one of it must say."""


def with_value(path: t.Sequence[t.Union[str, int]], value: object) -> Document:
    """The good document with one place changed."""
    document = copy.deepcopy(GOOD)
    place: t.Any = document
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    return document


def problems_of(document: object) -> t.List[Problem]:
    """Every problem that loading finds; none when the document is good."""
    try:
        load_config(document)
    except ConfigError as error:
        return list(error.problems)
    return []


NAMES = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.:@+-]{0,8}", fullmatch=True)
INTERFACES = st.from_regex(r"[a-z]{1,8}[0-9]{0,2}", fullmatch=True)
ADDRESSES = st.integers(0x0B000000, 0x7EFFFFFF).map(lambda n: ".".join(str(n >> s & 255) for s in (24, 16, 8, 0)))
PORTS = st.integers(1, 65535)
MILLISECONDS = st.integers(100, 60_000).map(lambda n: n * 1_000_000)
WHOLE_SECONDS = st.integers(0, 3600).map(lambda n: n * 1_000_000_000)
CONTENT = st.binary(min_size=1, max_size=40)
CODES = st.tuples(st.integers(100, 599), st.integers(100, 599)).map(lambda pair: (min(pair), max(pair)))

CHECKS = st.one_of(
    st.builds(TcpCheck, connect_ip=st.none() | ADDRESSES, connect_port=st.none() | PORTS, connect_timeout=MILLISECONDS),
    st.builds(TcpCheck, send=st.none() | CONTENT, expect=CONTENT, rise=st.integers(1, 9)),
    st.builds(
        HttpCheck,
        path=st.from_regex(r"/[a-z0-9/?=.]{0,12}", fullmatch=True),
        status_code=st.lists(CODES, min_size=1, max_size=4).map(tuple),
        virtualhost=st.none() | st.from_regex(r"[a-z]{1,9}\.example", fullmatch=True),
        http_protocol=st.sampled_from(["1.0", "1.0C", "1.1"]),
        retry=st.none() | st.integers(0, 9),
        delay_before_retry=st.none() | MILLISECONDS,
    ),
    st.builds(HttpsCheck, tls=st.builds(Tls, verify=st.sampled_from(["none", "ca", "full"]))),
    st.builds(
        UdpCheck,
        payload=st.none() | CONTENT,
        require_reply=st.just(value=True),
        reply=st.lists(st.none() | st.integers(0, 15), max_size=9).map(tuple),
    ),
    st.builds(GreetingCheck, type=st.sampled_from(["postgres", "mysql", "redis"])),
    st.builds(MiscCheck, misc_path=st.builds(Command, st.just(("/bin/check", "two words")))),
)


@st.composite
def configs(draw: st.DrawFn) -> Config:
    """Any configuration that contradicts itself nowhere."""
    vips = draw(st.lists(ADDRESSES, min_size=1, max_size=6, unique=True))
    instances = {
        name: draw(
            st.builds(
                VrrpInstance,
                name=st.just(name),
                interface=INTERFACES,
                virtual_router_id=st.just(number),
                virtual_ipaddress=st.builds(
                    VirtualAddress,
                    st.just(vip),
                    st.integers(1, 32),
                    st.none() | INTERFACES,
                    st.none() | st.just("eth0:1"),
                ).map(lambda address: (address,)),
                priority=st.integers(1, 255 if number == 2 else 254),  # an owner is never nopreempt
                advert_int=st.integers(1, 4095).map(lambda n: n * 10_000_000),
                nopreempt=st.just(value=False) if number == 2 else st.booleans(),
                vip_lease=st.none() | st.just(0) | st.integers(41, 3600).map(lambda n: n * 1_000_000_000),
                garp_master_delay=WHOLE_SECONDS,
            )
        )
        for number, (name, vip) in enumerate(zip(draw(st.sets(NAMES, max_size=len(vips))), vips), 1)
    }
    services = {}
    for number, name in enumerate(draw(st.sets(NAMES, max_size=4)), 1):
        kind = draw(st.sampled_from(["NAT", "DR"]))
        pool = draw(st.lists(st.tuples(ADDRESSES, PORTS), max_size=4, unique_by=lambda pair: pair[0]))
        services[name] = VirtualServer(
            name=name,
            address=draw(ADDRESSES),
            port=number,
            protocol=draw(st.sampled_from(["TCP", "UDP", "SCTP"])),
            lb_algo=draw(st.sampled_from(["rr", "wrr", "lc", "wlc", "sh", "mh"])),
            sorry_server=draw(st.none() | st.builds(SorryServer, st.just("10.0.0.1"), st.none() | st.just(number))),
            lb_kind=kind,
            delay_loop=draw(MILLISECONDS),
            persistence_timeout=draw(WHOLE_SECONDS),
            inhibit_on_failure=draw(st.booleans()),
            real_servers=tuple(
                RealServer(
                    address,
                    number if kind == "DR" else port,
                    draw(st.none() | st.integers(0, 65535)),
                    inhibit_on_failure=draw(st.none() | st.booleans()),
                    slow_start=draw(st.none() | WHOLE_SECONDS),
                    backup=draw(st.booleans()),
                    checks=tuple(draw(st.lists(CHECKS, max_size=3))),
                )
                for address, port in pool
            ),
        )
    router_id = draw(st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=20))
    return Config(GlobalDefs(router_id), vrrp_instances=instances, virtual_servers=services)


JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["192.0.2.1/24", "tcp", 80]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=6), inner, max_size=4),
    max_leaves=12,
)
