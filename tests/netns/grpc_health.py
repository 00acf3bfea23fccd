# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The health service of gRPC in one namespace. Calls are read by scapy; the answers are those of grpcio's server."""

from __future__ import annotations

import socket

from netns.one_at_a_time import OneAtATime
from netns.pool_lab import Namespace
from scapy.contrib import http2

SERVING, NOT_SERVING = 1, 2

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_HEALTH_CHECK = ":path /grpc.health.v1.Health/Check"
_SETTINGS = bytes.fromhex("000000040000000000")
_HEADERS = bytes.fromhex(
    "00004e01040000000188400c636f6e74656e742d74797065106170706c69636174696f6e2f677270634014677270632d6163636570742d"
    "656e636f64696e67176964656e746974792c206465666c6174652c20677a6970"
)
_MESSAGE = bytes.fromhex("000007000000000001000000000208")
"""A DATA frame but for its last byte, the status."""
_TRAILER = (
    bytes.fromhex("00001e010500000001400b677270632d73746174757301"),
    bytes.fromhex("000c677270632d6d65737361676500"),
)
"""Before and behind the digit of grpc-status."""


class GrpcHealth(OneAtATime):
    """Answers for the services that it knows."""

    def __init__(self, namespace: Namespace, port: int) -> None:
        self.services: dict[str, int] = {}
        self.asked: set[str] = set()
        super().__init__(namespace, port)

    def answer(self, connection: socket.socket) -> None:
        connection.sendall(_SETTINGS)
        service = _service_of(_call(connection))
        self.asked.add(service)
        status = self.services.get(service)
        message = b"" if status is None else _MESSAGE + bytes([status])
        grpc_status = b"5" if status is None else b"0"  # NOT_FOUND, OK
        connection.sendall(_HEADERS + message + grpc_status.join(_TRAILER))
        while connection.recv(4096):
            """Until the probe has read it."""


def _call(connection: socket.socket) -> bytes:
    """Everything up to the end of the one stream."""
    received = b""
    while True:
        received += connection.recv(4096) or _ended()
        frames = _frames(received)
        if any(frame.type == http2.H2DataFrame.type_id and "ES" in frame.flags for frame in frames):
            return received


def _ended() -> bytes:
    raise ConnectionResetError("the call ended early")


def _frames(received: bytes) -> list[http2.H2Frame]:
    assert received.startswith(_PREFACE)
    return list(http2.H2Seq(received[len(_PREFACE) :]).frames)


def _service_of(call: bytes) -> str:
    """Of a HealthCheckRequest: five bytes of gRPC, then field 1, its length and its text; nothing when it is empty."""
    kinds = (http2.H2HeadersFrame.type_id, http2.H2DataFrame.type_id)
    head, data = (frame for frame in _frames(call) if frame.type in kinds)
    assert _HEALTH_CHECK in http2.HPackHdrTable().gen_txt_repr(head)
    return bytes(data.payload)[7:].decode()
