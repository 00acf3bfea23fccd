# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The nftables engine, for kernels without ip_vs: destination NAT by rules in a table of our own.

NAT only, IPv4 and IPv6, TCP and UDP, with rr, wrr, sh and mh; what it cannot do is refused with the reason. The
edits of a service are one transaction of the kernel, with those of other services up to a thousand: all of it takes
effect between two packets, or nothing does. libnftables works inside this process (0.2 ms for an edit, no growth over
thousands of calls). What is large is done by a child, see aside.py.

The director must forward (net.ipv4.ip_forward, net.ipv6.conf.all.forwarding = 1) and the servers' way back to the
clients must lead through it, unless the service masquerades.

A server that is taken out of a pool loses its flows: ip_vs drops them, here conntrack forgets them, so a UDP client
moves to another server and a TCP client gets a reset. Who wants them to end by themselves sets weight 0 first. To find
them takes longer than the edit, so it is what an edit leaves to be done: see finish().
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

try:
    import nftables as libnftables
except ImportError:  # the engine says so in a sentence when it is asked for
    libnftables = None

from ..lvs.effects import NotApplicable, apply_operation, operation_service
from ..lvs.operations import Operation, RemoveDestination, SetDestination
from ..lvs.table import DestinationKey, Service, ServiceKey, Table
from . import nftables_rules as rules
from .aside import aside
from .conntrack import Conntrack, ConntrackUnavailable
from .data_plane import CountersUnavailable, Counting, DataPlaneUnavailable, DestinationCounters, Refusal, Unfinished
from .nftables_kernel import KernelTable, unavailable
from .nftables_limits import unsupported
from .nftables_names import LOOKUPS, Json, server_chain, service_chain
from .nftables_reading import ALTERED, NOTHING, Held, interpret, unlisted

LIBRARY_MISSING = (
    "libnftables for Python is not installed: install the package python3-nftables for this interpreter, "
    "or set global_defs.data_plane: ipvs"
)

_FEW = 200
"""So many servers are listed and written within this process. For 10,000 libnftables takes 200 MB."""

_PART = 1000
"""So many edits are one transaction. Ten times as many would keep a processor in the kernel for 0.4 s, where many
kernels let nobody else in, real-time priority or not; and take libnftables longer than ten such parts.
"""


_Result = t.TypeVar("_Result")


class _TransactionRefused(Exception):
    """The kernel took nothing of it; the text is its complaint."""


class NftablesPlane:
    """Reads and edits the table `inet mainstay` in the network namespace it was opened in."""

    def __init__(self) -> None:
        """Open libnftables, look once, and try whether a table can be made. Raises DataPlaneUnavailable."""
        if libnftables is None:
            raise DataPlaneUnavailable(LIBRARY_MISSING)
        self._nft = libnftables.Nftables()
        self._nft.set_json_output(True)
        self._kernel = KernelTable()
        self._conntrack = Conntrack()
        self._strays: t.Set[ServiceKey] = set()
        """Services with flows still to be ended."""
        self._wrote: Table = {}
        """Services that we edited, as we left them: what somebody else does to one makes no strays."""
        self._generation: t.Optional[int] = None
        """The kernel's generation that `_known` is the reading of; None: of none for certain."""
        self._known = NOTHING
        try:
            self._known = self._look()
            if self._kernel.flags() is None:
                self._try_base()
        except DataPlaneUnavailable:
            self.close()
            raise

    def parts(self) -> t.Iterator[Table]:
        """The whole table at once: that is how it is listed."""
        yield self.read()

    def read(self, _keys: t.Optional[t.Collection[ServiceKey]] = None) -> Table:
        """What our table holds; "altered" stands where somebody changed its rules. Raises DataPlaneUnavailable.

        Listed only when any program has changed anything since: 1,000 services of 10 servers are two seconds' work.
        """
        if self._generation is None or self._kernel.generation() != self._generation:
            self._known = self._look()
        return self._known.table

    def apply(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Carry out in order, in one transaction, of a thousand edits and more in several; a refused one does not hold
        back the others.

        Starts from what was read or written last: listing everything first would make the removal of one server of a
        hundred services take 50 ms instead of 1. When that is no longer how things are the kernel refuses the
        transaction, or the service comes out right all the same because its chains are written whole.
        """
        return [refusal for part in _parts(operations) for refusal in self._apply_part(part)]

    def _apply_part(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        before = self._known.table
        try:
            refusals = self._attempt(operations)
        except _TransactionRefused:
            before = self.read()
            refusals = self._attempt_again(operations)
        self._note_edits(_changed(before, self._known.table), operations)
        return refusals

    def finish(self) -> t.Generator[None, None, None]:
        """End the flows of servers that are out of their pools: of all services in one walk through conntrack.

        Those of services that are edited meanwhile take the next one.
        """
        while self._strays:
            walked, self._strays = self._strays, set()
            try:
                yield from self._conntrack.end_flows(lambda: self._wrote, walked)
                walked = set()
            except ConntrackUnavailable as error:
                raise Unfinished(f"done, but flows of servers taken out live on: {error}", walked) from error
            finally:
                self._strays |= walked

    def flush(self) -> None:
        """Nothing: this table holds nothing of others, and what is ours leaves it by removal."""

    def counters(self) -> Counting:
        """Flows per server in conntrack: active is TCP in ESTABLISHED, inactive every other. All services share
        one walk. Raises CountersUnavailable when conntrack does not tell.
        """
        try:
            for found in self._conntrack.count(self.read()):
                yield None if found is None else {key: DestinationCounters(*two) for key, two in found.items()}
        except ConntrackUnavailable as unavailable:
            raise CountersUnavailable(str(unavailable)) from unavailable

    def close(self) -> None:
        """Give the sockets back; the table stays."""
        self._kernel.close()
        self._conntrack.close()
        # libnftables closes its socket when the context goes.
        del self._nft

    def _try_base(self) -> None:
        """A kernel may have nf_tables without one family or without NAT: it says so here, before anybody relies on us.

        A transaction that leaves nothing; the dry run of libnftables is not in every version for Python.
        """
        status, _answer, error = self._nft.json_cmd({"nftables": [*rules.add_base(), *rules.remove_table()]})
        if status != 0:
            raise unavailable(_first_line(error))

    def _look(self) -> Held:
        """What the kernel holds now."""
        before = self._kernel.generation()
        held = self._look_inside()
        self._generation = before if self._kernel.generation() == before else None
        return held

    def _look_inside(self) -> Held:
        """A table with flags is never listed: see nftables_kernel."""
        flags = self._kernel.flags()
        if flags == 0:
            try:
                return self._listed()
            except DataPlaneUnavailable:
                flags = self._kernel.flags()  # somebody may have deleted or flagged it between the two questions
                if flags == 0:
                    raise
        return NOTHING if flags is None else unlisted(self._kernel.chains())

    def _listed(self) -> Held:
        """The table, listed. Of a large one comes back what differs from what is known, which is seldom anything."""
        known = self._known
        if known.sound and _servers(known.table.values()) <= _FEW:
            return interpret(self._list())
        found = _apart(lambda: _unless(known, interpret(self._list())))
        return known if found is None else found

    def _list(self) -> t.List[Json]:
        """The table without elements, then the maps with theirs: the sets of clients may be long and change nothing."""
        self._nft.set_terse_output(True)
        try:
            objects = self._ask(rules.list_table())
        finally:
            self._nft.set_terse_output(False)
        for lookup in LOOKUPS:
            objects += self._ask(rules.list_map(lookup))
        return objects

    def _ask(self, question: Json) -> t.List[Json]:
        try:
            status, answer, error = self._nft.json_cmd({"nftables": [question]})
        except ValueError as garbled:
            raise DataPlaneUnavailable(f"the answer of nftables is not JSON: {garbled}") from garbled
        if status != 0:
            raise unavailable(_first_line(error))
        return list(answer["nftables"])

    def _attempt(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Everything in one transaction. Raises _TransactionRefused, and then nothing has changed."""
        held = self._known
        target, refusals = _carry_out(held.table, operations)
        changed = _changed(held.table, target)
        if not changed:
            return refusals
        if _servers(target[key] for key in changed if key in target) <= _FEW:
            complaint = self._written(held, target, changed)
        else:
            complaint = _apart(lambda: self._written(held, target, changed))
        self._note_transaction(complaint)
        self._known = _after(target)
        if not held.sound:
            self._known = self._look()
        return refusals

    def _attempt_again(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        try:
            return self._attempt(operations)
        except _TransactionRefused:
            return self._one_by_one(operations)

    def _one_by_one(self, operations: t.Sequence[Operation]) -> t.List[Refusal]:
        """Each service in a transaction of its own, to find the culprit."""
        refusals: t.List[Refusal] = []
        for mine in _by_service(operations):
            try:
                refusals += self._attempt(mine)
            except _TransactionRefused as error:
                refusals += [Refusal(operation, f"nftables refused it: {error}") for operation in mine]
        return refusals

    def _written(self, held: Held, target: Table, changed: t.Sequence[ServiceKey]) -> str:
        """Lead the kernel from `held` to `target`; its complaint, empty when it has none."""
        status, _answer, error = self._nft.json_cmd({"nftables": _commands(held, target, changed)})
        return "" if status == 0 else _first_line(error) or f"status {status}"

    def _note_transaction(self, complaint: str) -> None:
        if complaint:
            raise _TransactionRefused(complaint)
        # Two more, and somebody else's transaction came between.
        ours = None if self._generation is None else self._generation + 1
        self._generation = ours if self._kernel.generation() == ours else None

    def _note_edits(self, changed: t.Sequence[ServiceKey], operations: t.Sequence[Operation]) -> None:
        """How we left these services, and which of them may have strays. A UDP flow never ends while its client keeps
        sending, not even when its server is gone. A weight alone leads no flow astray.
        """
        others = {key: service for key, service in self._wrote.items() if key not in changed}
        self._wrote = {**others, **{key: self._known.table[key] for key in changed if key in self._known.table}}
        for operation in operations:
            key = operation_service(operation)
            suspicious = key.protocol != "TCP" and not isinstance(operation, SetDestination)
            if key in changed and (suspicious or isinstance(operation, RemoveDestination)):
                self._strays.add(key)


def _parts(operations: t.Sequence[Operation]) -> t.Iterator[t.List[Operation]]:
    """Whole services, so many that one transaction is no long one."""
    part: t.List[Operation] = []
    for mine in _by_service(operations):
        part += mine
        if len(part) >= _PART:
            yield part
            part = []
    yield part


def _by_service(operations: t.Sequence[Operation]) -> t.Iterable[t.List[Operation]]:
    by_service: t.Dict[ServiceKey, t.List[Operation]] = {}
    for operation in operations:
        by_service.setdefault(operation_service(operation), []).append(operation)
    return by_service.values()


def _apart(work: t.Callable[[], _Result]) -> _Result:
    try:
        return aside(work)
    except OSError as error:
        raise DataPlaneUnavailable(f"a process for nftables cannot be had: {error.strerror or error}") from error


def _servers(services: t.Iterable[Service]) -> int:
    return sum(len(service.destinations) for service in services)


def _unless(known: Held, found: Held) -> t.Optional[Held]:
    """None when it is what is known."""
    return None if found == known else found


def _carry_out(table: Table, operations: t.Sequence[Operation]) -> t.Tuple[Table, t.List[Refusal]]:
    """The table that the operations lead to, and those that lead nowhere."""
    refusals = []
    for operation in operations:
        reason = unsupported(operation)
        if not reason:
            try:
                table = apply_operation(table, operation)
            except NotApplicable as error:
                reason = str(error)
        if reason:
            refusals.append(Refusal(operation, reason))
    return table, refusals


def _after(target: Table) -> Held:
    """What a transaction on a sound table leaves."""
    sets = frozenset(name for service in target.values() for name in rules.client_sets(service))
    return Held(target, sound=True, mapped=frozenset(target), sets=sets) if target else NOTHING


def _changed(before: Table, after: Table) -> t.List[ServiceKey]:
    return [key for key in {**before, **after} if before.get(key) != after.get(key)]


def _commands(held: Held, target: Table, changed: t.Sequence[ServiceKey]) -> t.List[Json]:
    """One transaction. A table without services is no table: nothing of ours stays behind."""
    if not target:
        return rules.remove_table()
    hidden = rules.masqueraded(target)
    if held.sound:
        edits = [command for key in changed for command in _service_edits(held, target, key)]
        return edits if hidden == rules.masqueraded(held.table) else [*edits, *rules.write_masquerading(hidden)]
    # Of a service that only stands there altered nothing is known that could be written.
    known = {key: service for key, service in target.items() if service.lb_algo != ALTERED}
    writes = [command for key in sorted(known) for command in _service_edits(NOTHING, known, key)]
    return [*rules.remove_table(), *rules.add_base(), *rules.write_masquerading(hidden), *writes]


def _service_edits(held: Held, target: Table, key: ServiceKey) -> t.List[Json]:
    """Write what is wanted, then remove what nothing leads to any more: first chains, then the sets they asked."""
    before, after = held.table.get(key), target.get(key)
    sets, wanted = _sets(held, key), rules.client_sets(after) if after is not None else set()
    edits = [rules.add_set(key, name) for name in sorted(wanted - sets)]
    if after is not None:
        edits += rules.write_service(after, _to_write(before, after))
    elif key in held.mapped:
        edits.append(rules.remove_element(key))
    for chain in sorted(_chains(before) - _chains(after), key=len):  # the service's own comes before its servers'
        edits += rules.remove_chain(chain)
    return edits + [rules.remove_set(name) for name in sorted(sets - wanted)]


def _to_write(before: t.Optional[Service], after: Service) -> t.Set[DestinationKey]:
    """Servers whose chains are not as `after` wants them."""
    pool = after.destinations
    if before is None or replace(before, destinations=pool) != after:
        return set(pool)
    return {key for key, server in pool.items() if before.destinations.get(key) != server}


def _chains(service: t.Optional[Service]) -> t.Set[str]:
    if service is None:
        return set()
    return {service_chain(service.key), *(server_chain(service.key, server) for server in service.destinations)}


def _sets(held: Held, key: ServiceKey) -> t.Set[str]:
    """Sets of clients that are there for this service."""
    prefix = f"{service_chain(key)}__"
    return {name for name in held.sets if name.startswith(prefix)}


def _first_line(error: str) -> str:
    """libnftables repeats the command below its complaint."""
    return error.strip().partition("\n")[0].replace("internal:0:0-0: Error: ", "")
