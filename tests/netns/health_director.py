# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A whole daemon on the pool lab's director, web servers behind it and a client in front."""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import signal
import subprocess
import threading
import typing as t
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from netns.daemons import CHECKOUT, PYTHON, Daemon, Document
from netns.pool_lab import NAT_VIP, PATIENCE_SECONDS, PORT, SERVERS, Namespace, PoolLab

from lab.network import NAMESPACES
from lab.processes import Process, identify, kill_at_one_instant, network_members
from lab.waiting import wait_for

WEB_PORT = 8000
DIRECTOR_NEAR_SERVERS = "192.0.2.1"
"""Where the daemon's probes come from."""
QUICK_CHECK = {"type": "http", "connect_timeout": 1, "retry": 1, "delay_before_retry": 0.1}


class WebServer:
    """A real HTTP server in one server's namespace: it answers with its name."""

    def __init__(self, namespace: Namespace, name: str) -> None:
        self.status = 200
        self.probes = 0
        """Requests that came from the director itself."""
        self._namespace = namespace
        self._name = name
        self._listening: ThreadingHTTPServer | None = None
        self.start()

    def start(self) -> None:
        """Listen; what it stopped is forgotten."""
        with self._namespace.inside():
            self._listening = ThreadingHTTPServer(("0.0.0.0", WEB_PORT), self._handler())
        threading.Thread(target=self._listening.serve_forever, args=(0.02,), daemon=True).start()

    def stop(self) -> None:
        """Close the port; harmless when it is closed."""
        listening, self._listening = self._listening, None
        if listening is not None:
            listening.shutdown()
            listening.server_close()

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        web = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:  # noqa: N802  # http.server's name
                web.probes += self.client_address[0] == DIRECTOR_NEAR_SERVERS
                body = web._name.encode()
                self.send_response(web.status)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                with contextlib.suppress(ConnectionError):  # a probe ends as soon as it knows enough
                    self.wfile.write(body)

            def log_message(self, *_arguments: object) -> None:
                """Keep quiet."""

        return Handler


class DirectorNode:
    """The director's namespace as daemons.Daemon wants a node."""

    name = "director"

    def __init__(self, namespace: Namespace) -> None:
        self._namespace = namespace
        self._started: list[subprocess.Popen[bytes]] = []

    def start(self, argv: t.Sequence[str], log: Path, **environment: str) -> Process:
        with log.open("ab") as output:
            command = ["ip", "netns", "exec", self._namespace.name, *argv]
            self._started.append(
                subprocess.Popen(
                    command,
                    stdin=subprocess.DEVNULL,
                    stdout=output,
                    stderr=output,
                    env={**os.environ, **environment},
                    start_new_session=True,
                )
            )
        found = identify(self._started[-1].pid)
        assert found is not None, "the daemon ended at once"
        return found

    def processes(self) -> list[Process]:
        return [one for one in network_members(NAMESPACES / self._namespace.name) if one.alive()]

    def kill_all(self) -> None:
        """Everything that runs there dies at one instant."""
        kill_at_one_instant(self.processes)

    def close(self) -> None:
        wait_for(self._killed, 10, "every process on the director to be dead")
        for started in self._started:
            started.wait(10)

    def _killed(self) -> bool:
        """Again and again: a supervisor starts a worker while its workers are being killed, and what is dying may still
        write into the kernel."""
        found = self.processes()
        for process in found:
            process.signal(signal.SIGKILL)
        return not found


class HealthDirector(Daemon):
    """The daemon with virtual servers; what it is asked about is pools."""

    def __init__(self, lab: PoolLab, folder: Path, **services: Document) -> None:
        super().__init__(t.cast(t.Any, DirectorNode(lab.director)), folder)
        self.namespace = lab.director
        self.serve(**services)

    def serve(self, **services: Document) -> None:
        """Write the configuration file."""
        document = {"global_defs": {"data_plane": "nftables"}, "virtual_servers": services}
        self.write_text(json.dumps(document))

    def mainstay(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """The command line as the operator types it on the director."""
        return subprocess.run(
            ["ip", "netns", "exec", self.namespace.name]
            + [PYTHON, "-m", "mainstay", *arguments, "--run-dir", str(self.folder / "run")],
            env={**os.environ, "PYTHONPATH": f"{CHECKOUT}/plugins/module_utils"},
            capture_output=True,
            text=True,
            timeout=60,
        )

    def answers(self) -> bool:
        """Whether its health worker runs the services: until it does, the status has none."""
        try:
            return bool(self.ask("status")["lvs"]["virtual_servers"])
        except (OSError, ValueError, KeyError, TypeError):
            return False

    def worker(self) -> Process:
        """The health worker's process."""
        found = identify(int(self.ask("status")["lvs"]["pid"]))
        assert found is not None
        return found

    def servers(self, service: str = "web") -> dict[str, Document]:
        """The status of a service's real servers, by the names of the lab; empty until the worker runs the service."""
        names = {address: name for name, address in SERVERS.items()}
        running = self.ask("status")["lvs"]["virtual_servers"].get(service, {"real_servers": []})
        return {names[one["address"]]: one for one in running["real_servers"]}

    def await_states(self, deadline: float = 15.0, service: str = "web", **states: str) -> None:
        """Wait until the servers are in these states and their pool says the same."""

        def reached() -> bool:
            servers = self.servers(service)
            found = {name: (servers[name]["state"], servers[name]["in_pool"]) for name in states if name in servers}
            return found == {name: (state, state != "down") for name, state in states.items()}

        wait_for(reached, deadline, f"{service} to be {states}", evidence=self.evidence)

    def service(self, name: str = "web") -> Document:
        """The status of one service."""
        return t.cast(Document, self.ask("status")["lvs"]["virtual_servers"][name])

    def reload(self, **services: Document) -> None:
        """Run these services from now on."""
        self.serve(**services)
        answer = self.ask("reload")
        assert answer["ok"], answer

    def events(self, kind: str) -> list[tuple[str, str]]:
        """Name and event of everything that happened to services (VS) or servers (RS), in order."""
        lines = [json.loads(line) for line in (self.folder / "state" / "events.jsonl").read_text().splitlines()]
        return [(line["name"], line["event"]) for line in lines if line.get("kind") == kind]

    def pool(self) -> str:
        """nft's own word about our table; empty when there is none."""
        shown = self.namespace.run("nft", "list", "ruleset")
        return shown if "table inet mainstay" in shown else ""

    def evidence(self) -> str:
        return f"{json.dumps(self.ask('status')['lvs'], indent=1)}\n{self.pool()}\n{super().evidence()}"


def web_service(*names: str, port: int = 80, **options: object) -> Document:
    """A service on the NAT address, its servers checked several times a second."""
    servers = [{"address": SERVERS[name], "port": WEB_PORT, "check": QUICK_CHECK} for name in names]
    usual = {"address": NAT_VIP, "port": port, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
    return {**usual, "delay_loop": 0.2, "real_servers": servers, **options}


def talk_service(*names: str, **options: object) -> Document:
    """A service on the NAT address whose servers answer for as long as a connection is open."""
    check = {"type": "tcp", "connect_timeout": 1, "retry": 0}
    servers = [{"address": SERVERS[name], "port": PORT, "check": check} for name in names]
    usual = {"address": NAT_VIP, "port": 82, "protocol": "TCP", "lb_algo": "rr", "lb_kind": "NAT"}
    return {**usual, "delay_loop": 0.2, "real_servers": servers, **options}


def fetch(lab: PoolLab, port: int = 80) -> str:
    """One request of the client through the service: the name of the server that answered. Raises OSError."""
    connection = http.client.HTTPConnection(NAT_VIP, port, timeout=PATIENCE_SECONDS)
    with lab.client.inside():
        connection.connect()
    try:
        connection.request("GET", "/")
        return connection.getresponse().read().decode()
    finally:
        connection.close()
