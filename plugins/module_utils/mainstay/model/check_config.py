# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Health checks as the daemon runs them: one frozen value per kind. Durations are nanoseconds (see units).

What a check leaves open (None) its real_server says, then its virtual_server, then the kind: see check_defaults.
"""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

from .commands import Command
from .units import Duration


@dataclass(frozen=True)
class Check:
    """What every kind has."""

    type: str = ""
    retry: t.Optional[int] = None
    """Further probes after a failed one before the check has failed."""
    delay_before_retry: t.Optional[Duration] = None
    """Pause before a further probe while the check is between passed and failed, in both directions."""
    delay_loop: t.Optional[Duration] = None
    connect_timeout: t.Optional[Duration] = None
    """Deadline of one probe, connect included."""
    warmup: t.Optional[Duration] = None
    """The first probe comes within this time; None: delay_loop."""
    alpha: t.Optional[bool] = None
    """Failed until the first probe passed."""
    rise: int = 1
    """Probes in a row that have to pass until a failed check has passed."""
    fall: t.Optional[int] = None
    """Probes in a row that have to fail: retry + 1 under another name; never both."""
    log_all_failures: t.Optional[bool] = None
    """None: as global_defs.checker_log_all_failures says."""


@dataclass(frozen=True)
class EndpointCheck(Check):
    """A check that talks to an address."""

    connect_ip: t.Optional[str] = None
    """None: the real server's."""
    connect_port: t.Optional[int] = None
    bindto: t.Optional[str] = None
    """Source address."""
    bind_port: t.Optional[int] = None
    """Source port."""
    bind_if: t.Optional[str] = None
    """Interface that the probe leaves by."""
    fwmark: int = 0
    """Mark on the probe's packets."""


@dataclass(frozen=True)
class TcpCheck(EndpointCheck):
    """Connect; with send or expect a short conversation."""

    type: str = "tcp"
    send: t.Optional[bytes] = None
    expect: t.Optional[bytes] = None
    """Bytes that the answer has to contain; None: a connection is enough."""


@dataclass(frozen=True)
class Url:
    """One page of an HTTP check; all of them have to pass."""

    path: str = "/"
    status_code: t.Optional[t.Tuple[t.Tuple[int, int], ...]] = None
    """Inclusive ranges; None: the check's."""
    digest: t.Optional[str] = None
    """Hex of the body's MD5 (32 digits) or SHA-256 (64 digits)."""
    virtualhost: t.Optional[str] = None
    regex: t.Optional[str] = None
    regex_no_match: bool = False
    """Turned round: the page must not match."""
    regex_options: t.Tuple[str, ...] = ()
    """caseless, dotall, multiline, extended, anchored."""
    regex_min_offset: int = 0
    regex_max_offset: t.Optional[int] = None
    """Only bytes of the body from min to max are searched."""


@dataclass(frozen=True)
class HttpCheck(EndpointCheck):
    """GET one or several pages in plain text."""

    type: str = "http"
    path: str = "/"
    status_code: t.Tuple[t.Tuple[int, int], ...] = ((200, 299),)
    """Accepted codes as inclusive ranges; a single code is a range of one."""
    virtualhost: t.Optional[str] = None
    """Host header; None: the real server's, then the service's, then address:port."""
    http_protocol: str = "1.0"
    """1.0, 1.0C (with Connection: close) or 1.1."""
    method: str = "GET"
    """GET, HEAD or POST."""
    headers: t.Tuple[t.Tuple[str, str], ...] = ()
    body: t.Optional[str] = None
    """Of a POST."""
    digest: t.Optional[str] = None
    regex: t.Optional[str] = None
    regex_no_match: bool = False
    regex_options: t.Tuple[str, ...] = ()
    urls: t.Tuple[Url, ...] = ()
    """Several pages; then path, digest and regex of the check itself are left out."""


@dataclass(frozen=True)
class Tls:
    """How TLS is spoken; part of a check that does."""

    enable_sni: bool = True
    """keepalived's default is no."""
    sni_name: t.Optional[str] = None
    """None: the virtualhost, without one none is sent."""
    tls_min_version: str = "1.2"
    """1.0, 1.1, 1.2 or 1.3."""
    verify: str = "none"
    """none, ca (the chain) or full (chain and name)."""
    ca_file: t.Optional[str] = None
    """None: the system's."""
    certificate: t.Optional[str] = None
    """The client's own, PEM."""
    key: t.Optional[str] = None
    expiry_warning: Duration = 0
    """Warn when the server's certificate ends within this time; 0: never. Passes all the same."""


@dataclass(frozen=True)
class HttpsCheck(HttpCheck):
    """SSL_GET: the same inside TLS."""

    type: str = "https"
    tls: Tls = Tls()


@dataclass(frozen=True)
class SmtpCheck(EndpointCheck):
    """Greeting, EHLO, QUIT; with starttls the handshake too."""

    type: str = "smtp"
    helo_name: t.Optional[str] = None
    """None: this host's name."""
    hosts: t.Tuple[t.Tuple[str, int], ...] = ()
    """Addresses and ports to ask instead of the real server; all have to pass."""
    starttls: bool = False
    tls: Tls = Tls()


@dataclass(frozen=True)
class DnsCheck(EndpointCheck):
    """One question by UDP; passes when the answer is NOERROR with content."""

    type: str = "dns"
    query_type: str = "SOA"
    """A, AAAA, NS, CNAME, SOA, MX, TXT or PTR, SRV."""
    name: str = "."
    answer: t.Optional[str] = None
    """An address, name or text that one of the answers has to be."""


@dataclass(frozen=True)
class UdpCheck(EndpointCheck):
    """One datagram; fails for ICMP errors, and without a reply when one is required."""

    type: str = "udp"
    payload: t.Optional[bytes] = None
    """None: sixteen zero bytes."""
    require_reply: bool = False
    reply: t.Tuple[t.Optional[int], ...] = ()
    """Nibbles that the reply has to begin with, None for any; empty: any reply."""
    min_reply_length: int = 0
    max_reply_length: int = 65535


@dataclass(frozen=True)
class PingCheck(EndpointCheck):
    """ICMP echo."""

    type: str = "ping"


@dataclass(frozen=True)
class MiscCheck(Check):
    """A program: exit status 0 is up. The supervisor runs it."""

    type: str = "misc"
    misc_path: t.Optional[Command] = None
    misc_timeout: t.Optional[Duration] = None
    """None: delay_loop."""
    misc_dynamic: bool = False
    """Status 2 to 255 sets the weight to status - 2."""


@dataclass(frozen=True)
class FileCheck(Check):
    """A number in a file moves the weight or takes the server out."""

    type: str = "file"
    track_file: str = ""
    weight: t.Optional[int] = None
    reverse: t.Optional[bool] = None


@dataclass(frozen=True)
class BfdCheck(Check):
    """The server follows a BFD session."""

    type: str = "bfd"
    name: str = ""


@dataclass(frozen=True)
class GrpcCheck(EndpointCheck):
    """grpc.health.v1 Check, in plain text (h2c)."""

    type: str = "grpc"
    service: str = ""
    """"": the server as a whole."""


@dataclass(frozen=True)
class GreetingCheck(EndpointCheck):
    """A database that greets: postgres, mysql or redis."""

    type: str = "redis"
