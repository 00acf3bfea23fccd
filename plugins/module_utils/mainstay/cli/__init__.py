# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command `mainstay`: one function per verb, each a client of what the daemon offers to everyone."""

from __future__ import annotations

import json
import sys
import types
import typing as t

from ..daemon.client import RUN_DIRECTORY, DaemonUnreachable, request
from ..version import VERSION
from .output import BAD_CONFIGURATION, GOOD, UNREACHABLE, Run, printable, problem_line, write

if t.TYPE_CHECKING:
    import argparse

CONFIGURATION = "/etc/mainstay/mainstay.json"
STATE_DIRECTORY = "/var/lib/mainstay"
_OF_THE_DAEMON = {"--config": CONFIGURATION, "--run-dir": RUN_DIRECTORY, "--state-dir": STATE_DIRECTORY}
"""Options of the verb, with their defaults."""

_STATUS_HELP = (
    "Show what is wrong (marked !!), who is master, which real servers are in the pools. "
    "Exit status 0: shown, 1: no daemon."
)
_DAEMON_HELP = (
    "Run mainstayd in the foreground. "
    "Exit status 0: ended in order, 78: the configuration is refused, 1: it could not start or failed."
)
_RELEASE_HELP = (
    "Remove from the kernel what a dead daemon left there. "
    "Exit status 0: nothing is left, 1: a daemon runs or the kernel refused."
)


# What the vrrp worker is told. All that VRRP has: what it tracks counts by weights that stand in the definitions.
_VRRP_SECTIONS = (
    "global_defs",
    "static_ipaddress",
    "static_routes",
    "static_rules",
    "garp_groups",
    "vrrp_scripts",
    "track_files",
    "vrrp_track_processes",
    "bfd_instances",
    "vrrp_sync_groups",
    "vrrp_instances",
)


# What the health worker is told; what others carry out for its checks it is told as results.
_LVS_SECTIONS = ("global_defs", "track_files", "virtual_server_groups", "virtual_servers")


def main(arguments: t.Sequence[str]) -> int:
    """Run one verb; the exit status."""
    options = _as_the_unit_calls(arguments) or _parser().parse_args(list(arguments))
    run: Run = options.run
    try:
        return run(options)
    except DaemonUnreachable as error:
        sys.stderr.write(f"mainstay: {error}\n")
        return UNREACHABLE
    except BrokenPipeError:
        # `mainstay status | head`: the reader has seen enough, and there is no one to complain to.
        sys.stderr.close()
        return GOOD


def _status(options: argparse.Namespace) -> int:
    from ..daemon.pages.status_text import status_page

    answer = request("status", options.run_dir)
    write(json.dumps(answer, indent=2) + "\n" if options.json else status_page(answer))
    return GOOD


def _check_config(options: argparse.Namespace) -> int:
    from ..daemon.check_files import check_file_problems
    from ..daemon.configuration_files import read_configuration
    from ..daemon.script_problems import script_problems
    from ..model.problems import ConfigError
    from ..model.warnings import warnings

    try:
        config = read_configuration(options.file, options.conf_dir)
    except ConfigError as error:
        for problem in error.problems:
            sys.stderr.write(f"{printable(problem_line(options.file, problem))}\n")
        return BAD_CONFIGURATION
    for warning in (*warnings(config), *script_problems(config), *check_file_problems(config)):
        sys.stderr.write(f"{options.file}: warning: {printable(str(warning))}\n")
    instances, services = len(config.vrrp_instances), len(config.virtual_servers)
    write(f"{options.file}: good, {instances} vrrp_instances, {services} virtual_servers\n")
    return GOOD


def _reload(options: argparse.Namespace) -> int:
    answer = request("reload", options.run_dir)
    if answer.get("ok"):
        changed = answer.get("changed") or ["nothing changed"]
        write("".join(f"{printable(str(line))}\n" for line in changed))
        for warning in answer.get("warnings", ()):
            sys.stderr.write(f"warning: {printable(str(warning))}\n")
        for worker in answer.get("unconfirmed", ()):
            sys.stderr.write(f"not taken yet by the {printable(str(worker))}; look with 'mainstay status'\n")
        return GOOD
    if "problems" not in answer:
        sys.stderr.write(f"mainstay: {printable(str(answer.get('error')))}\n")
        return UNREACHABLE
    sys.stderr.write("the reload was refused; the daemon runs what it ran before\n")
    for problem in answer["problems"]:
        value = "" if problem["value"] is None else f" = {problem['value']!r}"
        sys.stderr.write(printable(f"{problem['path']}{value}: {problem['message']}") + "\n")
    return BAD_CONFIGURATION


def _version(_options: argparse.Namespace) -> int:
    from ..daemon.digest import runtime_digest

    write(f"mainstay {VERSION}\nruntime sha256:{runtime_digest()}\n")
    return GOOD


def _daemon(options: argparse.Namespace) -> int:
    import functools

    from ..daemon.drain_deadlines import DrainDeadlines
    from ..daemon.former_timeouts import FormerTimeouts
    from ..daemon.health.worker import worker_with_descriptors
    from ..daemon.journal import Journal
    from ..daemon.supervisor import run_daemon
    from ..daemon.vrrp.worker import worker_of_a_daemon_that_starts_now
    from ..daemon.worker_process import Role

    health_worker = functools.partial(
        worker_with_descriptors,
        former_timeouts=FormerTimeouts(options.run_dir),
        drains=DrainDeadlines(options.run_dir),
    )
    roles = [
        Role("vrrp", "vrrp worker", worker_of_a_daemon_that_starts_now(), _VRRP_SECTIONS, punctual=True),
        Role("lvs", "health worker", health_worker, _LVS_SECTIONS),
    ]
    return run_daemon(options.config, options.run_dir, options.state_dir, roles, Journal())


def _release(options: argparse.Namespace) -> int:
    from ..daemon.release import run_release

    return run_release(options.config, options.run_dir, write)


def _as_the_unit_calls(arguments: t.Sequence[str]) -> t.Optional[t.Any]:
    """The options of `daemon` when each is written out, as in the unit file; None for every other call.

    argparse and all the other verbs would be 2 MB of a daemon's memory and a tenth of its start.
    """
    verb, keys, values = arguments[:1], arguments[1::2], arguments[2::2]
    if list(verb) != ["daemon"] or len(keys) != len(values) or not _OF_THE_DAEMON.keys() >= set(keys):
        return None
    if any(value.startswith("-") for value in values):
        return None
    given = {key[2:].replace("-", "_"): value for key, value in {**_OF_THE_DAEMON, **dict(zip(keys, values))}.items()}
    return types.SimpleNamespace(run=_daemon, **given)


def _parser() -> argparse.ArgumentParser:
    import argparse

    from . import operations, planning, pools, probing

    parser = argparse.ArgumentParser(
        prog="mainstay",
        description="Highly available virtual IPs and layer-4 load balancing: look, check, reload.",
        epilog="A wrong call ends with exit status 2.",
    )
    verbs = parser.add_subparsers(title="verbs", metavar="VERB", required=True)

    def verb(name: str, run: Run, text: str) -> argparse.ArgumentParser:
        added = verbs.add_parser(name, help=text, description=text)
        added.set_defaults(run=run)
        return added

    status = verb("status", _status, _STATUS_HELP)
    status.add_argument("--json", action="store_true", help="everything, for programs")
    check = verb("check-config", _check_config, "Check a configuration file. Exit status 0: good, 2: refused.")
    check.add_argument("file", metavar="FILE")
    check.add_argument("--conf-dir", metavar="DIR", help="its conf.d (default: the folder conf.d beside FILE)")
    reload = verb("reload", _reload, "Read the configuration anew. Exit status 0: done, 2: refused, 1: no daemon.")
    verb("version", _version, "Show version and digest of this runtime.")
    probing.add_verb(verb)
    daemon = verb("daemon", _daemon, _DAEMON_HELP)
    daemon.add_argument("--state-dir", metavar="DIR", default=STATE_DIRECTORY, help="default: %(default)s")
    release = verb("release", _release, _RELEASE_HELP)
    asking = [status, reload, *operations.add_verbs(verb), *pools.add_verbs(verb), planning.add_verb(verb)]
    for parser_of_verb in (*asking, daemon, release):
        parser_of_verb.add_argument("--run-dir", metavar="DIR", default=RUN_DIRECTORY, help="default: %(default)s")
    for parser_of_verb in (daemon, release):
        parser_of_verb.add_argument("--config", metavar="FILE", default=CONFIGURATION, help="default: %(default)s")
    return parser
