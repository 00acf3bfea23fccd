# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The control socket's server: nothing a client does holds up anyone else."""

from __future__ import annotations

import errno
import json
import os
import socket
import typing as t
from pathlib import Path

import pytest

from mainstay.daemon.control import MAXIMUM_CLIENTS, MAXIMUM_REQUEST, ControlServer, Reply, Request
from mainstay.daemon.reactor import Reactor
from mainstay.net.local_sockets import ControlListener, Peer, SocketPathTaken


class ControlBench:
    """A server and clients, turned by hand in one thread."""

    def __init__(self, path: Path) -> None:
        self.path = str(path)
        self.reactor = Reactor()
        self.served: t.List[t.Tuple[Request, Peer]] = []
        self.replies: t.List[Reply] = []
        self.answer_at_once = True
        self.server = ControlServer(self.reactor, ControlListener(self.path, None), self._serve)
        self._clients: t.List[socket.socket] = []

    def _serve(self, request: Request, peer: Peer, reply: Reply) -> None:
        self.served.append((request, peer))
        if self.answer_at_once:
            reply({"echo": request["verb"]})
        else:
            self.replies.append(reply)

    def client(self, sent: bytes = b"") -> socket.socket:
        one = socket.socket(socket.AF_UNIX)
        one.setblocking(False)
        one.connect(self.path)
        one.sendall(sent)
        self._clients.append(one)
        return one

    def turn(self, seconds: float) -> None:
        """Serve whatever comes for so long."""
        over: t.List[int] = []
        self.reactor.call_at(self.reactor.now() + int(seconds * 1e9), over.append)
        while not over:
            self.reactor.run_once()

    def lines(self, client: socket.socket, count: int = 1) -> t.List[t.Any]:
        """So many answers; fewer when the server hangs up."""
        received = b""
        give_up: t.List[int] = []
        self.reactor.call_at(self.reactor.now() + 10_000_000_000, give_up.append)
        while received.count(b"\n") < count and not give_up:
            self.reactor.call_at(self.reactor.now() + 5_000_000, lambda _now: None)
            self.reactor.run_once()
            try:
                piece = client.recv(65536)
            except BlockingIOError:
                continue
            if not piece:
                break
            received += piece
        return [json.loads(line) for line in received.splitlines()]

    def hung_up(self, client: socket.socket) -> bool:
        try:
            return client.recv(1) == b""
        except BlockingIOError:
            return False

    def close(self) -> None:
        self.server.close()
        self.reactor.close()
        for client in self._clients:
            client.close()


@pytest.fixture
def bench(folder: Path) -> t.Iterator[ControlBench]:
    made = ControlBench(folder / "control.sock")
    yield made
    made.close()


def test_a_request_is_answered_and_the_peer_is_known(bench: ControlBench) -> None:
    client = bench.client(b'{"verb": "status"}\n')

    assert bench.lines(client) == [{"echo": "status"}]
    assert bench.served[0][1] == Peer(os.getpid(), os.getuid(), os.getgid())


def test_several_requests_on_one_connection_are_answered_in_order(bench: ControlBench) -> None:
    client = bench.client(b'{"verb": "a"}\n{"verb": "b"}\n{"verb": "c"}\n')

    assert [line["echo"] for line in bench.lines(client, 3)] == ["a", "b", "c"]


def test_the_next_request_waits_until_the_one_before_has_its_answer(bench: ControlBench) -> None:
    bench.answer_at_once = False
    client = bench.client(b'{"verb": "a"}\n{"verb": "b"}\n')
    bench.turn(0.1)
    client.sendall(b'{"verb": "c"}\n{"verb": "d"}\n')

    for number, verb in enumerate("abcd"):
        bench.turn(0.1)
        assert [request["verb"] for request, _peer in bench.served] == list("abcd")[: number + 1]
        bench.replies[number]({"echo": verb})

    assert [line["echo"] for line in bench.lines(client, 4)] == ["a", "b", "c", "d"]


def test_a_client_that_has_said_all_gets_every_answer(bench: ControlBench) -> None:
    client = bench.client(b'{"verb": "a"}\n{"verb": "b"}\n{"verb": "c"}\n')
    client.shutdown(socket.SHUT_WR)

    assert [line["echo"] for line in bench.lines(client, 3)] == ["a", "b", "c"]


def test_no_deadline_of_an_earlier_request_hangs_up_on_a_later_one(bench: ControlBench) -> None:
    """Requests that take a second each: every deadline of 2 s that was left behind would come in between."""
    bench.answer_at_once = False
    client = bench.client(b'{"verb": "a"}\n{"verb": "b"}\n{"verb": "c"}\n{"verb": "d"}\n')

    for number in range(4):
        bench.turn(0.9)
        bench.replies[number]({"echo": number})

    assert [line["echo"] for line in bench.lines(client, 4)] == [0, 1, 2, 3]


def test_thousands_of_requests_in_one_go_do_not_end_the_stack(bench: ControlBench) -> None:
    count = 3000
    client = bench.client(b'{"verb": "x"}\n' * count)

    assert len(bench.lines(client, count)) == count


def test_a_client_that_says_half_a_request_delays_nobody_and_is_told_after_two_seconds(bench: ControlBench) -> None:
    slow = bench.client(b'{"verb":')
    quick = bench.client(b'{"verb": "status"}\n')

    assert bench.lines(quick) == [{"echo": "status"}]
    assert not bench.hung_up(slow)
    (answer,) = bench.lines(slow)
    assert answer == {"ok": False, "error": "the request was not complete within 2 s"}
    assert bench.hung_up(slow)


def test_a_request_that_comes_byte_by_byte_has_its_two_seconds_and_no_more(bench: ControlBench) -> None:
    slow = bench.client(b"{")

    for byte in b'"ver':
        bench.turn(0.4)
        slow.send(bytes([byte]))
    bench.turn(0.8)

    assert json.loads(slow.recv(65536)) == {"ok": False, "error": "the request was not complete within 2 s"}


def test_a_client_that_says_nothing_is_hung_up_on(bench: ControlBench) -> None:
    silent = bench.client()

    assert bench.lines(silent) == []
    assert bench.hung_up(silent)


def test_a_client_that_takes_no_answer_is_hung_up_on(bench: ControlBench) -> None:
    bench.answer_at_once = False
    client = bench.client(b'{"verb": "status"}\n')
    bench.turn(0.1)
    bench.replies[0]({"much": "x" * 4_000_000})
    bench.turn(2.5)

    client.setblocking(True)  # ends at the hang-up, or never
    client.settimeout(5)
    received = b""
    while piece := client.recv(1 << 20):
        received += piece
    assert 0 < len(received) < 4_000_000


def test_an_answer_that_takes_its_time_is_waited_for(bench: ControlBench) -> None:
    bench.answer_at_once = False
    client = bench.client(b'{"verb": "reload"}\n')
    bench.turn(2.5)

    bench.replies[0]({"ok": True})

    assert bench.lines(client) == [{"ok": True}]


def test_an_answer_for_a_client_that_has_gone_is_harmless(bench: ControlBench) -> None:
    bench.answer_at_once = False
    client = bench.client(b'{"verb": "status"}\n')
    bench.turn(0.1)
    client.close()

    bench.replies[0]({"much": "x" * 1_000_000})
    bench.turn(0.1)

    assert bench.lines(bench.client(b"x\n"))[0]["ok"] is False


def test_a_request_over_64_kib_is_refused(bench: ControlBench) -> None:
    client = bench.client(b'{"verb": "' + b"x" * MAXIMUM_REQUEST)

    (answer,) = bench.lines(client)
    assert answer == {"ok": False, "error": "the request is larger than 64 KiB"}
    assert bench.served == []


@pytest.mark.parametrize(
    "line", [b"", b"status", b"[" * 60000, b'{"verb": "\xff"}', b"[]", b"{}", b'{"verb": 1}', b'{"a":1,"a":1}']
)
def test_what_is_no_request_is_refused_with_an_example(bench: ControlBench, line: bytes) -> None:
    client = bench.client(line + b"\n")

    (answer,) = bench.lines(client)
    assert answer["ok"] is False
    assert '{"verb": "status"}' in answer["error"]
    assert bench.served == []


def test_the_seventeenth_client_waits_for_a_place(bench: ControlBench) -> None:
    idle = [bench.client() for _ in range(MAXIMUM_CLIENTS)]
    late = bench.client(b'{"verb": "status"}\n')
    bench.turn(0.2)
    assert bench.served == []

    idle[0].close()

    assert bench.lines(late) == [{"echo": "status"}]


def test_a_client_for_whom_there_is_no_descriptor_waits_for_one(
    bench: ControlBench, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The daemon holds addresses: it does not end for it, and does not turn round and round either."""
    tries: t.List[int] = []

    def none_left(_listener: ControlListener) -> None:
        tries.append(1)
        raise OSError(errno.ENFILE, os.strerror(errno.ENFILE))

    with monkeypatch.context() as patch:
        patch.setattr(ControlListener, "accept", none_left)
        client = bench.client(b'{"verb": "status"}\n')
        bench.turn(0.5)
    assert 1 <= len(tries) <= 6

    assert bench.lines(client) == [{"echo": "status"}]


def test_a_file_at_the_path_is_left_alone(folder: Path) -> None:
    (folder / "control.sock").write_text("precious")

    with pytest.raises(SocketPathTaken, match="is no socket"):
        ControlListener(str(folder / "control.sock"), None)
