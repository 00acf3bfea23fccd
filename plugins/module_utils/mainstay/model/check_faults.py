# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wrong with a check as a whole: options that contradict each other or that nothing would look at."""

from __future__ import annotations

import ipaddress
import typing as t

from .check_config import Check, DnsCheck, EndpointCheck, HttpCheck, SmtpCheck, TcpCheck, Tls, UdpCheck, Url
from .check_regex import compiled_regex

Fault = t.Tuple[str, object, str]
"""Path below the check, the value there, what is wrong with it."""

_ADDRESSES: t.Mapping[str, t.Callable[[str], object]] = {"A": ipaddress.IPv4Address, "AAAA": ipaddress.IPv6Address}
"""Questions that are answered by an address."""
_PAGE = {"path": "/", "digest": None, "regex": None, "regex_no_match": False, "regex_options": ()}


def check_faults(check: Check) -> t.Iterator[Fault]:
    """Every one."""
    if check.fall is not None and check.retry is not None:
        yield "fall", check.fall, "cannot stand beside retry: fall is retry + 1 under another name."
    for kind, faults in _FAULTS:
        if isinstance(check, kind):
            yield from faults(check)


def _endpoint(check: EndpointCheck) -> t.Iterator[Fault]:
    addresses = [address for address in (check.connect_ip, check.bindto) if address is not None]
    if len({":" in address for address in addresses}) > 1:
        yield "bindto", check.bindto, f"must be of the same family as connect_ip {check.connect_ip}."


def _tcp(check: TcpCheck) -> t.Iterator[Fault]:
    if check.send is not None and check.expect is None:
        yield "send", None, "needs expect: nobody would look at the answer."


def _http(check: HttpCheck) -> t.Iterator[Fault]:
    if check.body is not None and check.method != "POST":
        yield "body", None, "needs method: POST."
    if check.urls:
        for key, default in _PAGE.items():
            if getattr(check, key) != default:
                yield key, None, "cannot stand beside urls: say it in each of them."
    yield from _page(check, check.method, "")
    for index, url in enumerate(check.urls):
        yield from _page(url, check.method, f"urls[{index}].")


def _page(page: t.Union[Url, HttpCheck], method: str, below: str) -> t.Iterator[Fault]:
    if method == "HEAD" and (page.digest is not None or page.regex is not None):
        key = "digest" if page.digest is not None else "regex"
        yield f"{below}{key}", None, "needs a body, which the answer to HEAD has not; set method to GET."
    if page.regex is None:
        yield from _without_regex(page, below)
        return
    try:
        compiled_regex(page.regex, page.regex_options)
    except ValueError as error:
        yield f"{below}regex", page.regex, f"is no regular expression with these regex_options: {error}."
    if isinstance(page, Url) and page.regex_max_offset is not None and page.regex_max_offset <= page.regex_min_offset:
        yield f"{below}regex_max_offset", page.regex_max_offset, "must be larger than regex_min_offset."


def _without_regex(page: t.Union[Url, HttpCheck], below: str) -> t.Iterator[Fault]:
    for key in ("regex_no_match", "regex_options", "regex_min_offset", "regex_max_offset"):
        if getattr(page, key, None):
            yield f"{below}{key}", None, "does nothing without regex."


def _smtp(check: SmtpCheck) -> t.Iterator[Fault]:
    for key, value in vars(check.tls).items():
        if value != getattr(Tls(), key) and not check.starttls:
            yield key, None, "does nothing without starttls: true."
    if check.hosts and (check.connect_ip is not None or check.connect_port is not None):
        yield "hosts", None, "cannot stand beside connect_ip and connect_port: hosts names address and port."


def _dns(check: DnsCheck) -> t.Iterator[Fault]:
    read = _ADDRESSES.get(check.query_type)
    if check.answer is None or read is None:
        return
    try:
        read(check.answer)
    except ValueError:
        family = "IPv4" if check.query_type == "A" else "IPv6"
        yield "answer", check.answer, f"must be an {family} address, to answer a question of type {check.query_type}."


def _udp(check: UdpCheck) -> t.Iterator[Fault]:
    if check.min_reply_length > check.max_reply_length:
        yield "min_reply_length", check.min_reply_length, f"must be at most max_reply_length {check.max_reply_length}."
    for key in ("reply", "min_reply_length", "max_reply_length"):
        if getattr(check, key) != getattr(UdpCheck(), key) and not check.require_reply:
            yield key, None, "needs require_reply: true."


def _tls(check: t.Any) -> t.Iterator[Fault]:
    tls = getattr(check, "tls", None)
    if tls is None:
        return
    if tls.key is not None and tls.certificate is None:
        yield "key", tls.key, "needs certificate."
    if tls.ca_file is not None and tls.verify == "none":
        yield "ca_file", tls.ca_file, "needs verify: ca or full."
    if tls.sni_name is not None and not tls.enable_sni:
        yield "sni_name", tls.sni_name, "cannot stand beside enable_sni: false."
    if tls.verify == "full" and not tls.enable_sni:
        yield "enable_sni", False, "cannot stand beside verify: full: the name that is verified is sent too."


_FAULTS: t.Sequence[t.Tuple[t.Type[Check], t.Callable[[t.Any], t.Iterator[Fault]]]] = (
    (EndpointCheck, _endpoint),
    (TcpCheck, _tcp),
    (HttpCheck, _http),
    (SmtpCheck, _smtp),
    (DnsCheck, _dns),
    (UdpCheck, _udp),
    (Check, _tls),
)
