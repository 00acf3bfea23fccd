# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The request of an HTTP check as bytes, and what may not stand in one."""

from __future__ import annotations

import re
import typing as t

_CONNECTION: t.Mapping[str, t.Tuple[str, t.Tuple[t.Tuple[str, str], ...]]] = {
    "1.0": ("1.0", ()),
    "1.0C": ("1.0", (("Connection", "close"),)),
    "1.1": ("1.1", (("Connection", "close"),)),
}
METHODS = ("GET", "HEAD", "POST")

_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_VISIBLE = re.compile(r"[!-~]+")
_FRAMING = ("content-length", "transfer-encoding")
Headers = t.Sequence[t.Tuple[str, str]]


def host_of(address: str, port: int) -> str:
    """Host header for a target without a name: "192.0.2.21:80", "[2001:db8::21]:80".

    The port is always there, as keepalived sends it.
    """
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


def request_bytes(
    path: str, host: str, version: str, method: str = "GET", headers: Headers = (), body: t.Optional[str] = None
) -> bytes:
    """The request, ready to send; one of `headers` stands in for ours of the same name.

    Raises ValueError for what would split or bend the request: control characters, a host with spaces, a path
    that does not begin with "/". Other characters outside ASCII are percent-encoded in the path.
    """
    if version not in _CONNECTION:
        raise ValueError(f"http_protocol {version!r}: allowed are {', '.join(_CONNECTION)}")
    if method not in METHODS:
        raise ValueError(f"method {method!r}: allowed are {', '.join(METHODS)}")
    if body is not None and method != "POST":
        raise ValueError(f"body: only a POST has one, this is a {method}")
    number, closing = _CONNECTION[version]
    content = (body or "").encode("utf-8")
    length = (("Content-Length", str(len(content))),) if method == "POST" else ()
    lines = [f"{method} {_encoded(path)} HTTP/{number}"]
    lines += _header_lines((("Host", _checked_host(host)), ("User-Agent", "Mainstay"), *closing), headers, length)
    return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1") + content


def _checked_host(host: str) -> str:
    if not _VISIBLE.fullmatch(host):
        raise ValueError(f"virtualhost {host!r}: allowed are visible ASCII characters")
    return host


def _header_lines(ours: Headers, theirs: Headers, length: Headers) -> t.List[str]:
    for name, value in theirs:
        _check_header(name, value)
    named = {name.lower() for name, _value in theirs}
    kept = [header for header in ours if header[0].lower() not in named]
    return [f"{name}: {value}" for name, value in (*kept, *theirs, *length)]


def _check_header(name: str, value: str) -> None:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"headers: {name!r} is not a header name")
    if name.lower() in _FRAMING:
        raise ValueError(f"headers: {name} is computed from the body and cannot be set")
    if any(character < " " and character != "\t" or character >= "\x7f" for character in value):
        raise ValueError(f"headers: the value of {name} has characters outside visible ASCII: {value!r}")


def _encoded(path: str) -> str:
    if not path.startswith("/"):
        raise ValueError(f"path {path!r}: must begin with /")
    if _VISIBLE.fullmatch(path):
        return path
    if any(character < " " or character == "\x7f" for character in path):
        raise ValueError(f"path {path!r}: control characters are not allowed")
    return "".join(chr(byte) if 0x20 < byte < 0x7F else f"%{byte:02X}" for byte in path.encode("utf-8"))
