# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The command line: `PYTHONPATH=tests python3 -m lab COMMAND …`. See docs/lab.md."""

from __future__ import annotations

import argparse
import json
import os
import shlex
import sys
import typing as t
from pathlib import Path

from lab import base_tree, cleanup, inventory, spec as specs, state, topology
from lab.errors import LabError
from lab.lab import Lab
from lab.spec import Kind, LabSpec
from lab.state import StateStore


def main(arguments: list[str]) -> int:
    """Run one command; exit status 1 and one message on a LabError, 2 on wrong usage."""
    options = _parser().parse_args(arguments)
    try:
        return int(options.command(options) or 0)
    except LabError as error:
        print(f"lab: {error}", file=sys.stderr)
        return 1


def report(line: str) -> None:
    """Show one line of progress."""
    print(f"lab: {line}", file=sys.stderr, flush=True)


def up(options: argparse.Namespace) -> None:
    """Boot a lab."""
    Lab.start(options.name, _spec(options), report)
    report(f"{options.name} is up; `python -m lab shell {options.name} MACHINE` logs in")


def down(options: argparse.Namespace) -> None:
    """End a lab; one that does not run is ended already."""
    store = StateStore(options.name)
    with store.locked():
        cleanup.end_lab(store)


def list_labs(options: argparse.Namespace) -> None:
    """Show every lab and machine."""
    for name in state.names():
        lab = Lab.attach(name)
        for machine in lab.machines.values():
            addresses = " ".join(f"{i.name}={i.addresses[0]}" for i in machine.spec.interfaces)
            running = "running" if machine.running() else "off"
            print(f"{name:<12} {machine.spec.name:<12} {machine.spec.kind.value:<8} {running:<8} {addresses}")


def run(options: argparse.Namespace) -> int:
    """Run a command in a machine; its output and status become ours."""
    result = Lab.attach(options.name).machine(options.machine).run(options.argv, options.deadline)
    sys.stdout.write(result.stdout)
    sys.stderr.write(result.stderr)
    return result.rc


def shell(options: argparse.Namespace) -> None:
    """Become a login shell in a machine."""
    argv = Lab.attach(options.name).machine(options.machine).entering(["/bin/bash", "-l"], terminal=True)
    os.execvp(argv[0], argv)


def start(options: argparse.Namespace) -> None:
    """Boot a machine that was killed."""
    machine = Lab.attach(options.name).machine(options.machine)
    machine.create()
    machine.wait_until_up()


def kill(options: argparse.Namespace) -> None:
    """SIGKILL a whole machine."""
    Lab.attach(options.name).machine(options.machine).kill()


def freeze(options: argparse.Namespace) -> None:
    """SIGSTOP every process of a machine."""
    Lab.attach(options.name).machine(options.machine).freeze()


def thaw(options: argparse.Namespace) -> None:
    """Undo freeze."""
    Lab.attach(options.name).machine(options.machine).thaw()


def cut(options: argparse.Namespace) -> None:
    """Pull cables, one right after the other."""
    machine = Lab.attach(options.name).machine(options.machine)
    for interface in options.interfaces:
        machine.cut(interface, options.silent)


def restore(options: argparse.Namespace) -> None:
    """Put cables back."""
    machine = Lab.attach(options.name).machine(options.machine)
    for interface in options.interfaces:
        machine.restore(interface)


def print_inventory(options: argparse.Namespace) -> None:
    """Print Ansible's connection variables."""
    lab = Lab.attach(options.name)
    text = inventory.render(lab.spec, lab.store)
    if options.output is None:
        print(text, end="")
    else:
        options.output.write_text(text)


def print_environment(options: argparse.Namespace) -> None:
    """Print the environment Ansible needs, for `eval`."""
    for name, value in inventory.environment(Lab.attach(options.name).store).items():
        print(f"export {name}={shlex.quote(value)}")


def clean(options: argparse.Namespace) -> None:
    """End every lab."""
    for name in cleanup.end_all_labs():
        report(f"ended {name}")


def base(options: argparse.Namespace) -> None:
    """Build the base tree when it is not there, and print where it is."""
    print(base_tree.ensure(report))


def _spec(options: argparse.Namespace) -> LabSpec:
    if options.spec is None:
        return topology.named(options.topology, Kind(options.directors))
    try:
        return specs.parse(json.loads(options.spec.read_text()))
    except (OSError, ValueError) as error:
        raise LabError(f"{options.spec} cannot be read: {error}") from error


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab", description="machines for the demo and the tests (docs/lab.md)"
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    _add_up(commands)
    for name, command in _LAB_COMMANDS.items():
        _add(commands, name, command).add_argument("name", metavar="LAB")
    for name, command in _MACHINE_COMMANDS.items():
        sub = _add(commands, name, command)
        sub.add_argument("name", metavar="LAB")
        sub.add_argument("machine", metavar="MACHINE")
        _EXTRA_ARGUMENTS.get(name, _none)(sub)
    for name, command in {"list": list_labs, "clean": clean, "base": base}.items():
        _add(commands, name, command)
    return parser


Command = t.Callable[[argparse.Namespace], t.Optional[int]]
Commands = t.Any  # argparse keeps the type of add_subparsers() to itself

_LAB_COMMANDS: dict[str, Command] = {"down": down, "env": print_environment, "inventory": print_inventory}
_MACHINE_COMMANDS: dict[str, Command] = {
    "run": run,
    "shell": shell,
    "start": start,
    "kill": kill,
    "freeze": freeze,
    "thaw": thaw,
    "cut": cut,
    "restore": restore,
}


def _add(commands: Commands, name: str, command: Command) -> argparse.ArgumentParser:
    sub: argparse.ArgumentParser = commands.add_parser(
        name, help=command.__doc__, description=command.__doc__
    )
    sub.set_defaults(command=command)
    if name == "inventory":
        sub.add_argument("--output", type=Path, help="write to this file instead")
    return sub


def _add_up(commands: Commands) -> None:
    sub = _add(commands, "up", up)
    what = sub.add_mutually_exclusive_group(required=True)
    what.add_argument("spec", nargs="?", type=Path, metavar="SPEC.json")
    what.add_argument("--topology", choices=sorted(topology.TOPOLOGIES))
    sub.add_argument("--name", required=True, help="name of the lab: letters and digits")
    sub.add_argument(
        "--directors", choices=[kind.value for kind in Kind], default="nspawn", help="with --topology"
    )


def _run_arguments(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("--deadline", type=float, default=60.0, help="seconds")
    sub.add_argument("argv", nargs="+", metavar="COMMAND", help="put -- before it")


def _interface_argument(sub: argparse.ArgumentParser) -> None:
    sub.add_argument("interfaces", nargs="+", metavar="INTERFACE")


def _cut_arguments(sub: argparse.ArgumentParser) -> None:
    _interface_argument(sub)
    sub.add_argument("--silent", action="store_true", help="lose the packets, keep the carrier")


def _none(sub: argparse.ArgumentParser) -> None:
    """No arguments beside lab and machine."""


_EXTRA_ARGUMENTS: dict[str, t.Callable[[argparse.ArgumentParser], None]] = {
    "run": _run_arguments,
    "cut": _cut_arguments,
    "restore": _interface_argument,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
