# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The little of HTTP/2 (RFC 9113) that one gRPC call needs: frames, and the head of the request."""

from __future__ import annotations

import typing as t
from dataclasses import dataclass

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"

DATA, HEADERS, RST_STREAM, SETTINGS, PING, GOAWAY, CONTINUATION = 0, 1, 3, 4, 6, 7, 9
ACK = END_STREAM = 0x1
END_HEADERS, PADDED, PRIORITY = 0x4, 0x8, 0x20

FRAME_BYTES = 16 * 1024
"""Largest payload that a server may send to who did not ask for more (RFC 9113 4.2)."""

_HEAD_BYTES = 9
# Literal header fields without indexing whose name stands in the static table (RFC 7541 6.2.2, appendix A).
_METHOD_POST, _SCHEME_HTTP, _PATH, _AUTHORITY = b"\x83", b"\x86", b"\x04", b"\x01"
_CONTENT_TYPE, _USER_AGENT, _NEW_NAME = b"\x0f\x10", b"\x0f\x2b", b"\x00"


class MalformedFrames(Exception):
    """The bytes are no HTTP/2; the text is the reason in a sentence."""


@dataclass(frozen=True)
class Frame:
    """One frame."""

    kind: int
    flags: int
    stream: int
    payload: bytes

    def wire(self) -> bytes:
        """As it is sent."""
        head = len(self.payload).to_bytes(3, "big") + bytes([self.kind, self.flags])
        return head + self.stream.to_bytes(4, "big") + self.payload

    def content(self) -> bytes:
        """The payload without the padding (of DATA and HEADERS). Raises MalformedFrames."""
        if not self.flags & PADDED:
            return self.payload
        if not self.payload or self.payload[0] >= len(self.payload):
            raise MalformedFrames("a frame has more padding than bytes")
        return self.payload[1 : len(self.payload) - self.payload[0]]


class FrameReader:
    """Cuts a stream into frames; the first one has to be SETTINGS, as every HTTP/2 server begins."""

    def __init__(self) -> None:
        self._pending = b""
        self._begun = False

    def feed(self, received: bytes) -> None:
        """The next bytes of the stream."""
        self._pending += received

    def next_frame(self) -> t.Optional[Frame]:
        """The next whole frame, or None until more has come. Raises MalformedFrames."""
        if len(self._pending) < _HEAD_BYTES:
            return None
        size = int.from_bytes(self._pending[:3], "big")
        kind, flags = self._pending[3], self._pending[4]
        if not self._begun and kind != SETTINGS:
            raise MalformedFrames("not an HTTP/2 answer: it does not begin with SETTINGS")
        if size > FRAME_BYTES:
            raise MalformedFrames(f"a frame of {size} bytes")
        if len(self._pending) < _HEAD_BYTES + size:
            return None
        self._begun = True
        stream = int.from_bytes(self._pending[5:9], "big") & 0x7FFFFFFF
        payload = self._pending[_HEAD_BYTES : _HEAD_BYTES + size]
        self._pending = self._pending[_HEAD_BYTES + size :]
        return Frame(kind, flags, stream, payload)


def request_head(path: str, authority: str) -> bytes:
    """Header block of a gRPC call: literals alone, so that no table has to be kept."""
    return b"".join(
        (
            _METHOD_POST,
            _SCHEME_HTTP,
            _PATH + _string(path),
            _AUTHORITY + _string(authority),
            _CONTENT_TYPE + _string("application/grpc"),
            _USER_AGENT + _string("Mainstay"),
            _NEW_NAME + _string("te") + _string("trailers"),
        )
    )


def _string(text: str) -> bytes:
    """A string without Huffman coding; ours are shorter than the 127 bytes that one byte of length can say."""
    raw = text.encode("ascii")
    return bytes([len(raw)]) + raw
