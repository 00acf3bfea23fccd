# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a pair has to do beside VRRP before a fault strikes: scripts, mails, services; in both kinds' words."""

from __future__ import annotations

import contextlib
import shutil
import signal
import textwrap
import typing as t
from pathlib import Path

from netns.crowd import Crowd
from netns.daemons import Daemon, Keepalived, instance

from bench.pair import PRIORITIES, Pair
from lab.waiting import wait_for

from .injectors import main_process

Burden = t.Callable[[Pair, contextlib.ExitStack], None]
"""Comes before the pair is started; what it leaves behind goes with the stack."""

_STUCK = "#!/bin/sh\ntrap '' TERM\nwhile :; do sleep 1; done\n"
_SERVERS_OF_A_SERVICE, _SERVICES = 20, 100
_CROWD_PORT = 8080


def hanging_programs(pair: Pair, stack: contextlib.ExitStack) -> None:
    """A tracked script, a notify script and the reader of a FIFO that never end and ignore SIGTERM."""
    stack.callback(_kill_all, pair)
    for name, one in pair.machines.items():
        stuck = one.folder / "stuck"
        stuck.write_text(_STUCK)
        stuck.chmod(0o755)
        fifo = one.folder / "fifo"
        if isinstance(one, Daemon):
            script = {"script": str(stuck), "interval": 1, "timeout": 2, "weight": -1}
            one.write_document(
                global_defs={"script_user": "root", "notify_fifo": str(fifo), "notify_fifo_script": str(stuck)},
                vrrp_scripts={"hangs": script},
                vrrp_instances={"VI_1": instance(PRIORITIES[name], notify=str(stuck), track_script=["hangs"])},
            )
        else:
            script_block = f"vrrp_script hangs {{\n script {stuck}\n interval 1\n timeout 2\n weight -1\n}}\n"
            definitions = f"script_user root\nnotify_fifo {fifo}\nnotify_fifo_script {stuck}"
            _theirs(one, definitions, f"notify {stuck}\ntrack_script {{\n hangs\n}}", before=script_block)


def _kill_all(pair: Pair) -> None:
    """Again and again: a shell that is killed after what it waits for was listed leaves that behind."""
    for node in (pair.master, pair.backup):
        node.signal_all(signal.SIGSTOP)

    def killed() -> bool:
        for node in (pair.master, pair.backup):
            node.signal_all(signal.SIGKILL)
        return not any(node.processes() for node in (pair.master, pair.backup))

    wait_for(killed, 20, "every program of the pair to be dead")


def mails_to_a_name(pair: Pair, stack: contextlib.ExitStack) -> None:
    """A mail server that has a name. While the pair starts, resolvers refuse at once."""
    for name, one in pair.machines.items():
        folder = Path("/etc/netns") / one.node.namespace
        folder.mkdir(parents=True)
        stack.callback(shutil.rmtree, folder)
        (folder / "resolv.conf").write_text("nameserver 127.0.0.1\n")
        if isinstance(one, Daemon):
            one.write_document(
                global_defs={"smtp_server": "mail.example.com", "notification_email": ["ops@example.com"],
                             "smtp_alert": True},
                vrrp_instances={"VI_1": instance(PRIORITIES[name])},
            )  # fmt: skip
        else:
            _theirs(one, "notification_email {\n ops@example.com\n}\nsmtp_server mail.example.com\nsmtp_alert")


def kill_the_resolver_and_reload(pair: Pair) -> None:
    """Questions to the resolver of the master get no answer from now on, and it reads its configuration anew."""
    silent = pair.segment.node("c")
    chain = "type filter hook input priority 0; udp dport 53 drop"
    assert silent.run("nft", f"table ip silent {{ chain c {{ {chain}; }}; }}").rc == 0
    resolver = Path("/etc/netns") / pair.master.namespace / "resolv.conf"
    resolver.write_text(f"nameserver {silent.address}\noptions timeout:5 attempts:3\n")
    main_process(pair).signal(signal.SIGHUP)


def a_service_for_ip_vs(pair: Pair, _stack: contextlib.ExitStack) -> None:
    """On a kernel that has none."""
    for name, one in pair.machines.items():
        if isinstance(one, Daemon):
            usual = {"address": "198.51.100.1", "port": 80, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
            web = {**usual, "real_servers": [{"address": "192.0.2.99", "port": 80}]}
            document = {"vrrp_instances": {"VI_1": instance(PRIORITIES[name])}, "virtual_servers": {"web": web}}
            one.write_document(global_defs={"data_plane": "ipvs"}, **document)
        else:
            service = """\
            virtual_server 198.51.100.1 80 {
                lvs_sched rr
                lvs_method NAT
                protocol TCP
                real_server 192.0.2.99 80 {
                }
            }
            """
            one.only = ()
            _theirs(one, "", after=textwrap.dedent(service))


def a_crowd_of_servers(pair: Pair, stack: contextlib.ExitStack) -> None:
    """They are there, and nobody checks them yet. They never say what their checks wait for."""
    crowd = Crowd(pair.master, 0, _CROWD_PORT)
    crowd.silent = True
    stack.callback(crowd.close)


def check_the_crowd(pair: Pair) -> None:
    """Two thousand checks begin."""
    check = {"type": "tcp", "expect": "ready", "connect_timeout": 5, "retry": 0}
    usual = {"port": 80, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT", "delay_loop": 10}
    services = {
        f"s{number}": {
            **usual,
            "address": f"198.51.100.{number}",
            "real_servers": [
                {"address": f"127.1.{number}.{one}", "port": _CROWD_PORT, "check": check}
                for one in range(1, _SERVERS_OF_A_SERVICE + 1)
            ],
        }
        for number in range(1, _SERVICES + 1)
    }
    one = pair.machines["a"]
    assert isinstance(one, Daemon)
    one.write_document(
        global_defs={"data_plane": "nftables"},
        vrrp_instances={"VI_1": instance(PRIORITIES["a"])},
        virtual_servers=services,
    )
    main_process(pair).signal(signal.SIGHUP)


def _theirs(one: Keepalived, definitions: str, more: str = "", before: str = "", after: str = "") -> None:
    """Lines for global_defs and for the instance, and blocks around it."""
    file = one.folder / "keepalived.conf"
    text = file.read_text().replace("vrrp_version 3", f"vrrp_version 3\n{definitions}")
    text = text.replace("vrrp_instance VI_1", f"{before}vrrp_instance VI_1")
    file.write_text(text.replace("advert_int 1", f"advert_int 1\n{more}") + after)
