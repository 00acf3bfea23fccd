# Copyright (c) 2026 The Mainstay authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The virtual addresses of one instance in the kernel: prepared, taken, refreshed, released, missed.

Theory of operation. Every address is added with a lease, a finite valid_lft, and every advert that leaves gives it
the whole lease again. A master that is killed, frozen or cannot send any more therefore loses its addresses by the
kernel's hand, before a backup may take them. The order is advert first, refresh second: frozen between the two, the
lease ends early, never late.

The lease proves things, too. While it has not ended, no advert was due and missed for long enough that a peer could
have taken over: a restarted worker that finds its addresses under such a lease goes on as master (adoption).
"""

from __future__ import annotations

import typing as t
from dataclasses import replace

from ...model.config import VirtualAddress, VrrpInstance
from ...model.units import NANOSECONDS_PER_MILLISECOND, NANOSECONDS_PER_SECOND, Duration, Instant, seconds
from ...net import rtnl
from ...net.addresses import AddressProgram, LeasedAddress, kernel_form
from ...net.links import LinkMirror
from ...net.rtnl_socket import OrderSocket

# The kernel rounds lifetimes to its tick and may end one 20 ms early (ADDRCONF_TIMER_FUZZ_MINUS).
_KERNEL_FUZZ = 50 * NANOSECONDS_PER_MILLISECOND

Place = t.Tuple[rtnl.AddressKey, rtnl.AddressForm]


class HeldAddresses:
    """What one instance holds, or would hold as master."""

    def __init__(self, orders: OrderSocket, mirror: LinkMirror) -> None:
        self._orders = orders
        self._mirror = mirror
        self._program = AddressProgram(orders, (), 0)
        self._dropped: t.List[LeasedAddress] = []
        self._lease = 0
        self._placed: t.List[LeasedAddress] = []
        self._unplaced: t.List[VirtualAddress] = []
        self._refused: t.List[str] = []
        self._static: t.FrozenSet[str] = frozenset()
        self._ordered_at = mirror.caught_up
        self._shown: t.Set[rtnl.AddressKey] = set()
        self._taken_at: Instant = 0
        self.refreshed_at: Instant = 0
        """When the addresses were last given their whole lease."""
        self.taken = False
        """We are to hold them: set by take(), cleared by release()."""

    @property
    def addresses(self) -> t.Sequence[LeasedAddress]:
        """The addresses that are prepared, each on its link."""
        return self._program.addresses

    @property
    def lease(self) -> Duration:
        """Lifetime of an address without a refresh; 0 = it stays until released."""
        return seconds(self._lease)

    @property
    def problems(self) -> t.List[str]:
        """Sentences about addresses that cannot be held; a missing interface of the instance itself is its port's."""
        missing = [
            f"{virtual.address}/{virtual.prefix_length}: interface {virtual.dev} does not exist"
            for virtual in self._unplaced
            if virtual.dev is not None
        ]
        return [*missing, *self._refused]

    def leave_static(self, instance: VrrpInstance) -> None:
        """Leave alone, from now on, what the interface has for good: those addresses are the host's, not ours.

        Call it before `prepare`; what we hold ourselves already does not count.
        """
        permanent = {
            leased.key.address
            for leased in self._place(instance)[0]
            if leased not in self.addresses and self._is_permanent(leased.key)
        }
        self._static |= permanent

    def prepare(self, instance: VrrpInstance, lease: int) -> bool:
        """Encode the orders anew if the configuration or a link asks for it; whether it did.

        `let_go` then releases what is held and no longer wanted. `lease` is in seconds, 0 = no lease.
        """
        self._placed, self._unplaced = self._place(instance)
        wanted = tuple(leased for leased in self._placed if leased.key.address not in self._static)
        if wanted == self._program.addresses and lease == self._lease:
            return False
        if self.taken:
            places = {leased.place for leased in wanted}
            self._dropped += [leased for leased in self._program.addresses if leased.place not in places]
        self._program, self._lease = AddressProgram(self._orders, wanted, lease), lease
        return True

    def let_go(self, kept: t.Collection[Place] = ()) -> None:
        """Release what `prepare` found no longer wanted, except `kept`: what another instance holds from now on.

        An address whose label, scope or broadcast address changed goes, too: only a new one gets another.
        """
        dropped = [leased for leased in self._dropped if leased.place not in kept]
        self._dropped = []
        AddressProgram(self._orders, dropped, 0).release()

    def take(self, now: Instant) -> None:
        """Install the addresses with a full lease; those already there get the full lease again."""
        if not self.taken:
            self.taken, self._taken_at = True, now
            self._shown = set()
        self._ordered_at = self._mirror.caught_up
        self._refused = self._program.take((now - self._taken_at) // NANOSECONDS_PER_SECOND)
        self.refreshed_at = now

    def refresh(self, now: Instant) -> None:
        """Give the addresses their whole lease again, if they are ours to hold."""
        if self.taken and self._lease:
            self.take(now)

    def release(self) -> None:
        """Withdraw the addresses; harmless when they are not there."""
        self.taken = False
        self._refused = self._program.release()

    def held(self) -> t.List[str]:
        """The configured addresses that the kernel holds, as address/length, the host's own among them."""
        return [str(leased) for leased in self._placed if self._mirror.held(leased.key) is not None]

    def drop_misshapen(self) -> t.List[str]:
        """Withdraw what the kernel holds in another form than ours, or will not use; a `take` brings it back right.

        Those are addresses of an earlier configuration, and those that somebody put there without NODAD and the kernel
        found on another machine (NDP-08).
        """
        wrong = [leased for leased in self.addresses if self._is_misshapen(leased)]
        AddressProgram(self._orders, wrong, 0).release()
        return [str(leased) for leased in wrong]

    def leftovers(self) -> t.List[str]:
        """Those of them that are not the host's own."""
        return [str(leased) for leased in self.addresses if self._mirror.held(leased.key) is not None]

    def missing(self, now: Instant) -> t.List[LeasedAddress]:
        """Those somebody else removed. Empty when the lease may have ended: that is the kernel's work, and right.

        Empty, too, until the mirror has read what our last order did: its notification brings the next look. Of an
        IPv6 address the kernel tells later, when its worker has got to it; one that was never shown is not missing.
        """
        if not self.is_settled(now):
            return []
        held = {leased.key for leased in self.addresses if self._mirror.held(leased.key) is not None}
        missing = [one for one in self.addresses if one.key not in held and self._is_told(one.key)]
        self._shown = held
        return [one for one in missing if one not in self._program.refused]

    def unusable(self, now: Instant) -> t.List[LeasedAddress]:
        """Those that are there and that the kernel will not use: duplicate address detection failed (NDP-08)."""
        if not self.is_settled(now):
            return []
        return [leased for leased in self.addresses if self._is_dead(leased)]

    def expired(self, now: Instant) -> bool:
        """The kernel has withdrawn the addresses, or is about to: too long without a refresh."""
        return self.taken and bool(self._lease) and now - self.refreshed_at >= self.lease - _KERNEL_FUZZ

    def proof_of_mastership(self, shortest_down: Duration) -> bool:
        """All addresses are there under a lease refreshed so lately that no peer can have taken over.

        `shortest_down` is the least silence after which a backup may do so. The kernel reports whole seconds,
        so up to one more has passed than it says.
        """
        held = [self._mirror.held(leased.key) for leased in self.addresses]
        if not held or not self._lease or self._unplaced:
            return False
        return all(one is not None and self._is_recent(one.valid_seconds, shortest_down) for one in held)

    def _is_told(self, key: rtnl.AddressKey) -> bool:
        """The kernel has told of it, if it was there."""
        return key.family == 4 or key in self._shown

    def is_settled(self, now: Instant) -> bool:
        """What the mirror shows is what became of our last order."""
        return self.taken and not self.expired(now) and self._mirror.caught_up != self._ordered_at

    def _is_dead(self, leased: LeasedAddress) -> bool:
        held = self._mirror.held(leased.key)
        return held is not None and held.dad_failed

    def _is_misshapen(self, leased: LeasedAddress) -> bool:
        held = self._mirror.held(leased.key)
        if held is None or leased.key.family == 6:
            return held is not None and held.dad_failed
        return held.form != _as_reported(leased) and held.label is not None  # every kernel tells the label

    def _is_permanent(self, key: rtnl.AddressKey) -> bool:
        held = self._mirror.held(key)
        return held is not None and held.valid_seconds is None

    def _is_recent(self, valid_seconds: t.Optional[int], shortest_down: Duration) -> bool:
        if not valid_seconds or valid_seconds > self._lease:
            return False
        return seconds(self._lease - valid_seconds + 1) <= shortest_down

    def _place(self, instance: VrrpInstance) -> t.Tuple[t.List[LeasedAddress], t.List[VirtualAddress]]:
        """Each address on its link, and those whose link does not exist."""
        placed, unplaced = [], []
        for virtual in (*instance.virtual_ipaddress, *instance.virtual_ipaddress_excluded):
            device = instance.device_of(virtual)
            link = self._mirror.named(device)
            if link is None:
                unplaced.append(virtual)
            else:
                key = rtnl.AddressKey(link.index, virtual.address, virtual.prefix_length)
                placed.append(LeasedAddress(key, device, *kernel_form(virtual)))
        return placed, unplaced


def _as_reported(leased: LeasedAddress) -> rtnl.AddressForm:
    """The form as the kernel tells it: without a label it shows the interface's name."""
    return replace(leased.form, label=leased.form.label or leased.device)
