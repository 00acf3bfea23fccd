# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gRPC health check: a call that others can read, and the answers of real servers (the bytes of grpcio 1.x)."""

from __future__ import annotations

import pytest
from scapy.contrib import http2 as scapy_http2

from mainstay.model.check_config import GrpcCheck
from mainstay.probes import grpc_frames as h2
from mainstay.probes.grpc import PATH, GrpcProbe, call, tasks
from mainstay.probes.grpc_frames import FRAME_BYTES, Frame

from .dialogues import no_search, talk, verdict_of

SETTINGS_ACK = bytes.fromhex("000000040100000000")
# What grpcio's server said to a service that is SERVING, and to one it does not know.
PREAMBLE = bytes.fromhex(
    "000018040000000000000400400000000500400000000600004000fe0300000001000004080000000000003f0001"
    "000000040100000000"
    "0000040800000000000000000b"
    "0000080600000000001718885baddffdf6"
)
PING_PAYLOAD = bytes.fromhex("1718885baddffdf6")
HEAD = bytes.fromhex(
    "00004e01040000000188400c636f6e74656e742d74797065106170706c69636174696f6e2f677270634014677270632d6163636570742d"
    "656e636f64696e67176964656e746974792c206465666c6174652c20677a6970"
)
SERVING = bytes.fromhex("00000700000000000100000000020801")
EMPTY = bytes.fromhex("0000050000000000010000000000")
NOT_FOUND = bytes.fromhex("00001e010500000001400b677270632d7374617475730135000c677270632d6d65737361676500")


def probe() -> GrpcProbe:
    return GrpcProbe(call("", "192.0.2.21:50051"))


def message(content: bytes, flags: int = 0) -> bytes:
    return Frame(h2.DATA, flags, 1, b"\0" + len(content).to_bytes(4, "big") + content).wire()


class TestCall:
    def test_scapy_reads_the_call(self) -> None:
        wire = call("shop.Cart", "192.0.2.21:50051")
        assert wire.startswith(h2.PREFACE)
        frames = scapy_http2.H2Seq(wire[len(h2.PREFACE) :]).frames
        assert [frame.type for frame in frames] == [h2.SETTINGS, h2.HEADERS, h2.DATA]
        text = scapy_http2.HPackHdrTable().gen_txt_repr(frames[1])
        for field in ("POST", PATH, ":scheme http", ":authority 192.0.2.21:50051", "application/grpc", "te: trailers"):
            assert field in text, text
        assert frames[2].stream_id == 1 and "ES" in frames[2].flags
        assert bytes(frames[2].payload) == b"\0\0\0\0\x0b\x0a\x09shop.Cart"

    @pytest.mark.parametrize("size", [127, 128, 255])
    def test_a_long_name_has_its_length_as_a_varint(self, size: int) -> None:
        length = bytes([size]) if size < 128 else bytes([size & 127 | 128, 1])
        assert call("s" * size, "a").endswith(b"\x0a" + length + b"s" * size)

    @pytest.mark.parametrize("service", ["s" * 256, "süd"])
    def test_a_name_that_cannot_be_asked_for_is_refused(self, service: str) -> None:
        with pytest.raises(ValueError, match="service "):
            tasks(GrpcCheck(service=service), "192.0.2.21", 50051, no_search)


class TestAnswers:
    def test_serving_is_up(self) -> None:
        dialogue = talk(probe(), PREAMBLE, HEAD + SERVING)
        assert dialogue.verdict is not None
        assert (dialogue.verdict.ok, dialogue.verdict.reason) == (True, "gRPC health: SERVING")
        assert dialogue.sent[1] == SETTINGS_ACK + Frame(h2.PING, h2.ACK, 0, PING_PAYLOAD).wire()

    @pytest.mark.parametrize(
        ("said", "reason"),
        [
            (message(b"\x08\x02"), "gRPC health: NOT_SERVING"),
            (message(b"\x08\x03"), "gRPC health: SERVICE_UNKNOWN"),
            (message(b"\x08\x00"), "gRPC health: UNKNOWN"),
            (message(b"\x10\x01"), "gRPC health: an unknown message 1001"),
            (EMPTY + NOT_FOUND, "gRPC status 5 NOT_FOUND: the server does not know this service"),
            (NOT_FOUND, "gRPC status 5 NOT_FOUND: the server does not know this service"),
            (Frame(h2.HEADERS, h2.END_STREAM, 1, b"\x88").wire(), "the call ended without a health message"),
            (Frame(h2.DATA, h2.END_STREAM, 1, b"").wire(), "the call ended without a health message"),
            (Frame(h2.RST_STREAM, 0, 1, b"\0\0\0\7").wire(), "the server ends the call (error 7)"),
            (Frame(h2.GOAWAY, 0, 0, b"\0\0\0\0\0\0\0\x0b").wire(), "the server ends the connection (error 11)"),
            (Frame(h2.DATA, h2.PADDED, 1, b"\x09ab").wire(), "a frame has more padding than bytes"),
            (Frame(h2.DATA, 0, 1, b"\1\0\0\0\2ab").wire(), "not a health message: it begins with 0100000002"),
            (b"\xff\xff\xff" + bytes(6), "a frame of 16777215 bytes"),
            (b"", "connection closed before a health message"),
        ],
    )
    def test_everything_else_is_down_and_named(self, said: bytes, reason: str) -> None:
        verdict = verdict_of(probe(), PREAMBLE, said)
        assert (verdict.ok, verdict.reason) == (False, reason)

    def test_a_status_in_huffman_code_is_read(self) -> None:
        block = b"\x88\x40\x88\x9a\xca\xc8\xb2\x12\x34\xda\x8f\x0212"
        verdict = verdict_of(probe(), PREAMBLE, Frame(h2.HEADERS, h2.END_STREAM | h2.END_HEADERS, 1, block).wire())
        assert verdict.reason == "gRPC status 12 UNIMPLEMENTED: the server has no health service"

    def test_padding_and_frames_in_pieces_do_not_matter(self) -> None:
        padded = Frame(h2.DATA, h2.PADDED, 1, b"\x03\0\0\0\0\x02" + bytes(3)).wire()
        verdict = verdict_of(probe(), PREAMBLE, padded, Frame(h2.DATA, 0, 1, b"\x08\x01").wire())
        assert verdict.ok, verdict

    def test_messages_of_other_streams_do_not_count(self) -> None:
        assert talk(probe(), PREAMBLE, SERVING.replace(b"\0\0\0\1\0\0\0\0\2", b"\0\0\0\3\0\0\0\0\2")).verdict is None

    @pytest.mark.parametrize("said", [b"HTTP/1.1 400 Bad Request\r\n\r\n", SERVING])
    def test_a_server_of_another_protocol_is_down(self, said: bytes) -> None:
        verdict = verdict_of(probe(), said)
        assert (verdict.ok, verdict.reason) == (False, "not an HTTP/2 answer: it does not begin with SETTINGS")

    def test_the_largest_frame_passes_and_one_byte_more_does_not(self) -> None:
        assert talk(probe(), PREAMBLE, Frame(0x20, 0, 0, bytes(FRAME_BYTES)).wire()).verdict is None
        assert not verdict_of(probe(), PREAMBLE, Frame(0x20, 0, 0, bytes(FRAME_BYTES + 1)).wire()).ok
