# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A gRPC health check: one call of grpc.health.v1.Health/Check in plain text (h2c), up when the answer is SERVING.

The verdict is in the message itself (a DATA frame). Where a server answers without one, the call's status says why: it
stands in a compressed header block, of which only that one field is looked for. If it is written in a way that we do
not read, the reason is less exact and the verdict the same.
"""

from __future__ import annotations

import functools
import re
import typing as t

from ..model.check_config import GrpcCheck
from ..model.units import Instant
from . import grpc_frames as h2
from .grpc_frames import Frame, FrameReader, MalformedFrames
from .http_request import host_of
from .task import TCP, ProbeTask, Search, source_of, target_of
from .verdict import Said, Verdict

PATH = "/grpc.health.v1.Health/Check"
SERVICE_BYTES = 255
MESSAGE_BYTES = 1024

_STREAM = 1
_SERVING = {0: "UNKNOWN", 1: "SERVING", 2: "NOT_SERVING", 3: "SERVICE_UNKNOWN"}
_STATUS_FIELD = 0x08  # number 1, a varint
# "grpc-status" as it is and in the Huffman code of HPACK, then the length of a short value, then its digits.
_GRPC_STATUS = re.compile(rb"(?:grpc-status|\x9a\xca\xc8\xb2\x12\x34\xda\x8f)(?:\x01([0-9])|\x02([0-9]{2}))")
_STATUSES = {
    2: "UNKNOWN", 5: "NOT_FOUND: the server does not know this service", 7: "PERMISSION_DENIED",
    8: "RESOURCE_EXHAUSTED", 12: "UNIMPLEMENTED: the server has no health service", 13: "INTERNAL", 14: "UNAVAILABLE",
    16: "UNAUTHENTICATED",
}  # fmt: skip


class GrpcProbe:
    """One call."""

    def __init__(self, request: bytes) -> None:
        self._request = request
        self._frames = FrameReader()
        self._message = b""
        self._reason = ""
        self._verdict: t.Optional[Verdict] = None

    def start(self, _now: Instant) -> Said:
        """The whole call."""
        return self._request

    def receive(self, received: bytes, _now: Instant) -> Said:
        """Acknowledgements, then the verdict."""
        if self._verdict is None:
            said = self._hear(received)
            if not isinstance(said, Verdict):
                return said
            self._verdict = said
        return self._verdict

    def awaits(self) -> str:
        """The message."""
        return "health message"

    def _hear(self, received: bytes) -> t.Union[bytes, Verdict, None]:
        if not received:
            return Verdict(False, "connection closed before a health message")
        self._frames.feed(received)
        out = b""
        try:
            frame = self._frames.next_frame()
            while frame is not None:
                said = self._take(frame)
                if isinstance(said, Verdict):
                    return said
                out += said
                frame = self._frames.next_frame()
        except MalformedFrames as malformed:
            return Verdict(False, str(malformed))
        return out or None

    def _take(self, frame: Frame) -> t.Union[bytes, Verdict]:
        """What to send for a frame, or the verdict; frames of kinds that do not matter to us are passed over."""
        if frame.kind in (h2.SETTINGS, h2.PING):
            payload = frame.payload if frame.kind == h2.PING else b""
            return b"" if frame.flags & h2.ACK else Frame(frame.kind, h2.ACK, 0, payload).wire()
        if frame.kind == h2.GOAWAY:
            return Verdict(False, f"the server ends the connection (error {int.from_bytes(frame.payload[4:8], 'big')})")
        if frame.stream != _STREAM:
            return b""
        return self._take_of_call(frame)

    def _take_of_call(self, frame: Frame) -> t.Union[bytes, Verdict]:
        if frame.kind == h2.RST_STREAM:
            return Verdict(False, f"the server ends the call (error {int.from_bytes(frame.payload[:4], 'big')})")
        if frame.kind == h2.DATA:
            self._message += frame.content()
            verdict = judge_message(self._message)
            if verdict is not None:
                return verdict
        elif frame.kind in (h2.HEADERS, h2.CONTINUATION):
            self._reason = _status_in(frame.payload) or self._reason
        # The end may stand on HEADERS that CONTINUATION frames follow; then the reason is the poorer for it.
        if frame.kind in (h2.DATA, h2.HEADERS) and frame.flags & h2.END_STREAM:
            return Verdict(False, self._reason or "the call ended without a health message")
        return b""


def judge_message(message: bytes) -> t.Optional[Verdict]:
    """A HealthCheckResponse with the five bytes that gRPC puts before it; None until it is whole and says something."""
    if len(message) < 5:
        return None
    size = int.from_bytes(message[1:5], "big")
    if message[0] != 0 or size > MESSAGE_BYTES:
        return Verdict(False, f"not a health message: it begins with {message[:5].hex()}")
    if len(message) < 5 + size:
        return None
    content = message[5 : 5 + size]
    if not content:
        return None  # says nothing; the status of the call, which follows, says why
    # All values that exist are varints of one byte.
    number = content[1] if len(content) == 2 and content[0] == _STATUS_FIELD else -1
    status = _SERVING.get(number, f"an unknown message {content[:20].hex()}")
    return Verdict(number == 1, f"gRPC health: {status}", details=(("status", status),))


def _status_in(block: bytes) -> str:
    match = _GRPC_STATUS.search(block)
    if match is None:
        return ""
    number = int(match.group(1) or match.group(2))
    return f"gRPC status {number} {_STATUSES.get(number, '')}".rstrip() if number else ""


def call(service: str, authority: str) -> bytes:
    """All that we send to ask for `service`. Raises ValueError when its name is too long or not ASCII."""
    if len(service) > SERVICE_BYTES or not service.isascii():
        raise ValueError(f"service {service!r}: allowed are {SERVICE_BYTES} ASCII characters")
    raw = service.encode("ascii")
    # A protobuf string: field 1, its length as a varint of one or two bytes; left out when it is empty.
    length = bytes([len(raw)]) if len(raw) < 128 else bytes([len(raw) & 127 | 128, len(raw) >> 7])
    message = b"\x0a" + length + raw if raw else b""
    frames = (
        Frame(h2.SETTINGS, 0, 0, b"\x00\x02\x00\x00\x00\x00"),  # ENABLE_PUSH: no
        Frame(h2.HEADERS, h2.END_HEADERS, _STREAM, h2.request_head(PATH, authority)),
        Frame(h2.DATA, h2.END_STREAM, _STREAM, b"\0" + len(message).to_bytes(4, "big") + message),
    )
    return h2.PREFACE + b"".join(frame.wire() for frame in frames)


def tasks(check: GrpcCheck, address: str, port: int, _search: Search) -> t.Tuple[ProbeTask, ...]:
    """The one task of a gRPC check. Raises ValueError for a service that cannot be asked for."""
    target = target_of(check, address, port)
    begin = functools.partial(GrpcProbe, call(check.service, host_of(*target)))
    return (ProbeTask(TCP, *target, begin, source_of(check)),)
