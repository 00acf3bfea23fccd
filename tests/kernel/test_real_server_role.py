# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The unit of the role real_server, command by command, behind a real ip_vs: it unwraps what ip_vs wraps."""

from __future__ import annotations

import contextlib
import shlex
import typing as t
from dataclasses import replace

import pytest
from netns.pool_lab import CLIENT_NEAR_SERVERS, DR_VIP, Namespace, PoolLab
from unit.roles.rendering import rendered, settings

from mainstay.lvs.table import Tunnel

from .ipvs_director import DIRECT, IpvsDirector, server, service
from .wide_lab import await_wrong_checksum, knocking

GUE_PORT = 6080


class Unit:
    """mainstay-real-server.service for these tunnels, without systemd."""

    def __init__(self, namespace: Namespace, tunnels: t.Sequence[t.Mapping[str, object]]) -> None:
        said = {"virtual_ipaddress": [DR_VIP], "tunnels": tunnels}
        variables = {f"mainstay_real_server_{key}": value for key, value in said.items()}
        text = rendered("real_server", "mainstay-real-server.service.j2", **variables)
        self._settings = settings(text)
        self._namespace = namespace

    def start(self) -> None:
        self._run("ExecStartPre")
        self._run("ExecStart")

    def stop(self) -> None:
        self._run("ExecStop")

    def _run(self, key: str) -> None:
        for line in self._settings[key]:
            command = shlex.split(line.lstrip("-").replace("$$", "$"))
            # modprobe is not in this guest, its modules are loaded; what may fail has a minus, as in systemd.
            with contextlib.suppress(*([AssertionError] if line.startswith("-") else [])):
                self._namespace.run(*command)


@pytest.fixture
def bare(wide: PoolLab) -> t.Iterator[Namespace]:
    """The first server without the address and the tunnels that the lab gave it; a filter that is strict everywhere."""
    namespace = wide.servers["first"]
    namespace.ip(f"addr del {DR_VIP}/32 dev lo\nlink set tunl0 down\nlink set gre-in down\n")
    namespace.sysctl("ipv4.conf.all.rp_filter", "1")
    yield namespace
    namespace.sysctl("ipv4.conf.all.rp_filter", "0")
    namespace.ip(
        f"""addr add {DR_VIP}/32 dev lo
        link set tunl0 group 0 up
        link set gre0 group 0 down
        link set gre-in up
        """
    )


def is_up(namespace: Namespace, device: str) -> bool:
    return ",UP" in namespace.run("ip", "-o", "link", "show", "dev", device)


@pytest.mark.parametrize(("kind", "port", "device"), [("ipip", 0, "tunl0"), ("gre", 0, "gre0"),
                                                       ("gue", GUE_PORT, "tunl0")])  # fmt: skip
def test_the_unit_makes_the_end_of_a_tunnel_and_takes_it_back(
    director: IpvsDirector, wide: PoolLab, bare: Namespace, kind: str, port: int, device: str
) -> None:
    unit = Unit(bare, [{"type": kind, **({"port": port} if port else {})}])
    assert not is_up(bare, device)

    unit.start()
    pool = replace(server("first", lb_kind="TUN"), tunnel=Tunnel(kind, port))
    assert director.reconcile(service(DIRECT, pool)) == []
    assert wide.ask(DR_VIP, source=CLIENT_NEAR_SERVERS) == "first"

    unit.start()
    assert wide.ask(DR_VIP, source=CLIENT_NEAR_SERVERS) == "first", "started once more"

    unit.stop()
    assert not is_up(bare, device)
    assert str(GUE_PORT) not in bare.run("ip", "fou", "show")


def test_the_kernels_own_device_takes_no_gre_with_a_checksum(
    director: IpvsDirector, wide: PoolLab, bare: Namespace
) -> None:
    """Which is why the role's documentation sends its reader to a device of his own."""
    unit = Unit(bare, [{"type": "gre"}])
    unit.start()
    director.reconcile(service(DIRECT, replace(server("first", lb_kind="TUN"), tunnel=Tunnel("gre", 0, "csum"))))
    with knocking(wide):
        await_wrong_checksum(bare, "gre0")
    unit.stop()
