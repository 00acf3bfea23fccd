# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""keepalived and the health worker, each with its own file about the same services, make the same table.

Left out is the granularity of a group: keepalived 2.2.7 makes the service of its mark without it.
"""

from __future__ import annotations

import contextlib
import subprocess
import typing as t
from pathlib import Path

from netns.pool_lab import PoolLab

from lab.waiting import wait_for
from mainstay.daemon.health.worker import HealthWorker
from mainstay.daemon.reactor import Reactor
from mainstay.daemon.worker import LogLine
from mainstay.model.load import load_config

from .ipvs_director import IpvsDirector

SECONDS = 20.0

KEEPALIVED = """
virtual_server_group many {
    198.51.100.10 80
    198.51.100.10-12 8080
    203.0.113.4/30 443
    fwmark 5
}
virtual_server group many {
    lvs_sched wrr
    lvs_method NAT
    protocol TCP
    persistence_timeout 120
    real_server 192.0.2.21 80 {
        weight 3
        uthreshold 100
        lthreshold 70
    }
    real_server 192.0.2.22 80 {
        weight 1
    }
}
virtual_server 2001:db8:1::10 80 {
    lvs_sched mh
    mh-port
    mh-fallback
    lvs_method NAT
    protocol TCP
    real_server 2001:db8:2::21 80 {
        weight 2
    }
}
virtual_server 198.51.100.10 53 {
    lvs_sched rr
    ops
    lvs_method NAT
    protocol UDP
    real_server 192.0.2.21 53 {
        weight 1
    }
}
virtual_server 198.51.100.10 5060 {
    lvs_sched lc
    lvs_method NAT
    protocol UDP
    persistence_timeout 60
    persistence_granularity 255.255.255.0
    persistence_engine sip
    real_server 192.0.2.21 5060 {
        weight 1
    }
}
virtual_server 198.51.100.10 9899 {
    lvs_sched sh
    sh-port
    sh-fallback
    lvs_method NAT
    protocol SCTP
    real_server 192.0.2.21 9899 {
        weight 1
    }
}
virtual_server 192.0.2.10 443 {
    lvs_sched sed
    lvs_method DR
    protocol TCP
    real_server 192.0.2.21 443 {
        weight 2
    }
}
virtual_server 192.0.2.10 80 {
    lvs_sched wlc
    lvs_method TUN type gue port 5555 csum
    protocol TCP
    real_server 192.0.2.21 80 {
        weight 1
    }
    real_server 192.0.2.22 80 {
        weight 1
        lvs_method TUN type gre nocsum
    }
}
virtual_server 192.0.2.10 81 {
    lvs_sched wrr
    lvs_method TUN type gre csum
    weight 7
    protocol TCP
    real_server 192.0.2.21 81 {
        lvs_method TUN type gue port 6666
    }
    real_server 192.0.2.22 81 {
        weight 3
    }
    real_server 192.0.2.23 8081 {
        lvs_method NAT
    }
}
virtual_server fwmark 9 {
    ip_family inet6
    lvs_sched nq
    lvs_method NAT
    real_server 2001:db8:2::21 80 {
        weight 1
    }
}
"""


def servers(*addresses: str, port: int = 80, **rest: object) -> list[dict[str, object]]:
    return [{"address": address, "port": port, **rest} for address in addresses]


FIRST, FIRST6 = "192.0.2.21", "2001:db8:2::21"
GUE = {"lb_kind": "TUN", "tun_type": "gue", "tun_port": 5555, "tun_checksum": "csum"}
MANY = ["198.51.100.10 80", "198.51.100.10-12 8080", "203.0.113.4/30 443", "fwmark 5"]
OURS: dict[str, t.Any] = {
    "global_defs": {"data_plane": "ipvs"},
    "virtual_server_groups": {"many": {"entries": MANY}},
    "virtual_servers": {
        "many": {
            "virtual_server_group": "many", "protocol": "TCP", "lb_algo": "wrr", "persistence_timeout": 120,
            "real_servers": [
                *servers(FIRST, weight=3, uthreshold=100, lthreshold=70), *servers("192.0.2.22", weight=1),
            ],
        },
        "six": {
            "address": "2001:db8:1::10", "port": 80, "protocol": "TCP", "lb_algo": "mh", "mh_port": True,
            "mh_fallback": True, "real_servers": servers(FIRST6, weight=2),
        },
        "names": {
            "address": "198.51.100.10", "port": 53, "protocol": "UDP", "lb_algo": "rr", "ops": True,
            "real_servers": servers(FIRST, port=53),
        },
        "calls": {
            "address": "198.51.100.10", "port": 5060, "protocol": "UDP", "lb_algo": "lc", "persistence_timeout": 60,
            "persistence_granularity": 24, "persistence_engine": "sip", "real_servers": servers(FIRST, port=5060),
        },
        "signals": {
            "address": "198.51.100.10", "port": 9899, "protocol": "SCTP", "lb_algo": "sh", "sh_port": True,
            "sh_fallback": True, "real_servers": servers(FIRST, port=9899),
        },
        "direct": {
            "address": "192.0.2.10", "port": 443, "protocol": "TCP", "lb_algo": "sed", "lb_kind": "DR",
            "real_servers": servers(FIRST, port=443, weight=2),
        },
        "wrapped": {
            "address": "192.0.2.10", "port": 80, "protocol": "TCP", "lb_algo": "wlc", **GUE,
            "real_servers": [
                *servers(FIRST), *servers("192.0.2.22", lb_kind="TUN", tun_type="gre", tun_checksum="nocsum"),
            ],
        },
        "each": {
            "address": "192.0.2.10", "port": 81, "protocol": "TCP", "lb_algo": "wrr", "lb_kind": "TUN",
            "tun_type": "gre", "tun_checksum": "csum", "weight": 7,
            "real_servers": [
                *servers(FIRST, port=81, lb_kind="TUN", tun_type="gue", tun_port=6666),
                *servers("192.0.2.22", port=81, weight=3), *servers("192.0.2.23", port=8081, lb_kind="NAT"),
            ],
        },
        "marked": {"fwmark": 9, "ip_family": "inet6", "lb_algo": "nq", "real_servers": servers(FIRST6)},
    },
}  # fmt: skip


@contextlib.contextmanager
def keepalived(lab: PoolLab, folder: Path) -> t.Iterator[None]:
    """It runs on the director; whatever it made is gone afterwards."""
    (folder / "keepalived.conf").write_text(KEEPALIVED)
    files = [word for flag in "pcr" for word in (f"-{flag}", str(folder / f"{flag}.pid"))]
    command = ["keepalived", "-n", "-l", "-C", "-f", str(folder / "keepalived.conf"), *files]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(["ip", "netns", "exec", lab.director.name, *command], stdout=log, stderr=log)
    try:
        yield
    finally:
        process.terminate()
        process.wait(SECONDS)


def table_of(director: IpvsDirector) -> list[str]:
    """As ipvsadm saves and lists it: only the list tells the thresholds."""
    return sorted(director.saved()) + director.ipvsadm("-Ln", "--thresholds").splitlines()


def test_both_make_the_same_table(director: IpvsDirector, lab: PoolLab, tmp_path: Path) -> None:
    lines: list[LogLine] = []
    with director.inside():
        worker = HealthWorker(reactor := Reactor(), lines.append)
        worker.configure(load_config(OURS), reactor.now())
    ours = table_of(director)
    worker.stop(reactor.now())
    reactor.close()
    assert director.saved() == [], "the worker left something behind"
    with keepalived(lab, tmp_path):
        wait_for(
            lambda: len(director.saved()) >= len(ours) // 2 - 2, SECONDS, "keepalived's table",
            evidence=lambda: (tmp_path / "log").read_text(),
        )  # fmt: skip
        theirs = table_of(director)
    assert ours == theirs
