# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Checks of databases: which first answers are up.

The bytes are those of Redis 7.0, PostgreSQL 15 and MariaDB 10.11.
"""

from __future__ import annotations

import struct
import typing as t

import pytest

from mainstay.model.check_config import GreetingCheck
from mainstay.probes import build, mysql, postgres, redis
from mainstay.probes.task import ProbeTask
from mainstay.probes.verdict import Probe

from .dialogues import NOW, no_search, talk, verdict_of


def task_of(kind: str) -> ProbeTask:
    (task,) = build.probe_tasks(GreetingCheck(type=kind), "192.0.2.21", 1234, no_search)
    return task


def probe_of(kind: str) -> Probe:
    return task_of(kind).begin()


@pytest.mark.parametrize("kind", ["redis", "postgres", "mysql"])
def test_the_connection_ends_in_order_because_servers_log_a_reset(kind: str) -> None:
    task = task_of(kind)
    assert (task.address, task.port, task.closes_with_reset) == ("192.0.2.21", 1234, False)


class TestRedis:
    @pytest.mark.parametrize(
        ("answer", "up", "reason"),
        [
            (b"+PONG\r\n", True, "PONG"),
            (b"-NOAUTH Authentication required.\r\n", True, "answers NOAUTH"),
            (b"-NOPERM this user has no permissions\r\n", True, "answers NOPERM"),
            (
                b"-LOADING Redis is loading the dataset in memory\r\n",
                False,
                "LOADING Redis is loading the dataset in memory, expected is PONG",
            ),
            (
                b"-ERR max number of clients reached\r\n",
                False,
                "ERR max number of clients reached, expected is PONG",
            ),
            (
                b"-MASTERDOWN Link with MASTER is down\r\n",
                False,
                "MASTERDOWN Link with MASTER is down, expected is PONG",
            ),
            (b"+OK\r\n", False, "OK, expected is PONG"),
            (b"HTTP/1.1 400 Bad Request\r\n", False, "not a Redis answer: H"),
            (b"", False, "connection closed before a reply to PING: got 0 bytes"),
            (b"+" + b"x" * 512, False, "the answer is longer than 512 bytes"),
        ],
    )
    def test_answers(self, answer: bytes, up: bool, reason: str) -> None:
        dialogue = talk(probe_of("redis"), answer)
        assert dialogue.sent == [b"*1\r\n$4\r\nPING\r\n"]
        assert dialogue.verdict is not None
        assert (dialogue.verdict.ok, dialogue.verdict.reason) == (up, reason)


def pg_error(state: str, message: str) -> bytes:
    fields = b"".join(
        letter + text.encode() + b"\0" for letter, text in ((b"S", "FATAL"), (b"C", state), (b"M", message))
    )
    return b"E" + struct.pack("!I", 4 + len(fields) + 1) + fields + b"\0"


class TestPostgres:
    SCRAM = bytes.fromhex("52000000170000000a534352414d2d5348412d3235360000")

    def test_the_session_begins_as_user_mainstay(self) -> None:
        (sent,) = talk(probe_of("postgres")).sent
        assert struct.unpack_from("!II", sent) == (len(sent), 196608)
        assert sent[8:] == b"user\0mainstay\0database\0postgres\0application_name\0mainstay\0\0"

    @pytest.mark.parametrize(
        ("answer", "up", "reason"),
        [
            (SCRAM, True, "PostgreSQL begins a session"),
            (SCRAM[:5], True, "PostgreSQL begins a session"),
            (
                pg_error("28000", 'role "mainstay" does not exist'),
                True,
                'PostgreSQL answers: role "mainstay" does not exist (SQLSTATE 28000)',
            ),
            (
                pg_error("57P03", "the database system is starting up"),
                False,
                "the database system is starting up (SQLSTATE 57P03)",
            ),
            (
                pg_error("57P01", "terminating connection due to administrator command"),
                False,
                "terminating connection due to administrator command (SQLSTATE 57P01)",
            ),
            (pg_error("", "x"), False, "not a PostgreSQL answer: an error without SQLSTATE"),
            (b"HTTP/1.1", False, "not a PostgreSQL answer, it begins with H"),
            (b"R\0\0\0\0", False, "not a PostgreSQL answer: a length of 0"),
            (b"E\xff\xff\xff\xff", False, "not a PostgreSQL answer: a length of 4294967295"),
        ],
    )
    def test_answers(self, answer: bytes, up: bool, reason: str) -> None:
        verdict = verdict_of(probe_of("postgres"), answer)
        assert (verdict.ok, verdict.reason) == (up, reason)

    def test_a_server_that_hangs_up_is_down(self) -> None:
        verdict = verdict_of(probe_of("postgres"), self.SCRAM[:4], b"")
        assert verdict.reason == "connection closed before a reply to the beginning of a session: got 4 bytes"
        assert not verdict.ok


def my_error(code: int, message: bytes) -> bytes:
    return b"\xff" + struct.pack("<H", code) + message


class TestMysql:
    GREETING = bytes.fromhex(
        "640000000a352e352e352d31302e31312e31392d4d6172696144422d302b64656231327531000b0000004c5856275b77636b"
        "00fef7080200ff81150000000000001d0000002e42415e393d6875333d7866006d7973716c5f6e61746976655f7061737377"
        "6f726400"
    )
    DENIED = my_error(1045, b"#28000Access denied for user 'mainstay'@'lb1' (using password: NO)")
    VERSION = "MySQL 5.5.5-10.11.19-MariaDB-0+deb12u1"

    def test_the_handshake_goes_to_its_end_so_that_the_server_does_not_block_us(self) -> None:
        dialogue = talk(probe_of("mysql"), self.GREETING, mysql.packet(self.DENIED, 2))
        (sent,) = dialogue.sent
        assert sent == mysql.packet(mysql.login(), 1)
        assert b"mainstay\0\0mysql_native_password\0" in sent
        assert dialogue.verdict is not None and dialogue.verdict.ok
        assert dialogue.verdict.reason == (
            f"{self.VERSION} answers the login: "
            "Access denied for user 'mainstay'@'lb1' (using password: NO) (error 1045)"
        )

    @pytest.mark.parametrize(
        ("plugin", "answer"), [(b"mysql_native_password", b""), (b"caching_sha2_password", b"\0"), (b"ed25519", b"")]
    )
    def test_a_server_that_wants_another_plugin_is_told_that_there_is_no_password(
        self, plugin: bytes, answer: bytes
    ) -> None:
        switch = b"\xfe" + plugin + b"\0" + b"s" * 20 + b"\0"
        dialogue = talk(probe_of("mysql"), self.GREETING, mysql.packet(switch, 2), mysql.packet(self.DENIED, 4))
        assert dialogue.sent[1] == mysql.packet(answer, 3)
        assert dialogue.verdict is not None and dialogue.verdict.ok

    def test_a_server_that_never_stops_switching_is_left(self) -> None:
        switches = [mysql.packet(b"\xfex\0", number) for number in (2, 4, 6, 8)]
        assert verdict_of(probe_of("mysql"), self.GREETING, *switches).ok

    def test_a_login_that_succeeds_is_up_too(self) -> None:
        verdict = verdict_of(probe_of("mysql"), self.GREETING, mysql.packet(b"\0\0\0\2\0\0\0", 2))
        assert (verdict.ok, verdict.reason) == (True, f"{self.VERSION} takes logins")

    @pytest.mark.parametrize(
        ("heard", "reason"),
        [
            ([mysql.packet(my_error(1040, b"Too many connections"), 0)], "Too many connections (error 1040)"),
            ([mysql.packet(my_error(1129, b"Host 'lb1' is blocked"), 0)], "Host 'lb1' is blocked (error 1129)"),
            ([GREETING, mysql.packet(my_error(1053, b"#08S01down"), 2)], "shutdown in progress (error 1053)"),
            ([b""], "connection closed before a greeting"),
            ([GREETING, b""], "connection closed before a reply to the login"),
            ([mysql.packet(b"\x09x\0", 0)], "not a greeting of MySQL protocol 10, it begins with ?x?"),
            ([b"SSH-2.0-x\r\n"], "not a MySQL answer: a packet of 4739923 bytes"),
            ([b"\0\0\0\0"], "not a MySQL answer: a packet of 0 bytes"),
        ],
    )
    def test_what_else_a_server_says_is_down_and_quoted(self, heard: list[bytes], reason: str) -> None:
        verdict = verdict_of(probe_of("mysql"), *heard)
        assert (verdict.ok, verdict.reason) == (False, reason)


def test_every_judge_waits_for_more_of_a_beginning() -> None:
    judged: list[tuple[t.Callable[[bytes], t.Any], bytes]] = [
        (redis.judge, b"+PONG\r"),
        (postgres.judge, b"R\0\0\0"),
        (postgres.judge, pg_error("28000", "x")[:-1]),
    ]
    for judge, beginning in judged:
        assert judge(beginning) is None, beginning
    assert probe_of("mysql").receive(TestMysql.GREETING[:-1], NOW) is None
