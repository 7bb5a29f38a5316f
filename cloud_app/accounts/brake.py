"""The brake on guessing: paced by account and address, never locking an owner out elsewhere.

Three counts, kept in the database so that several processes share them:

- account and address together: after five failures each further try waits twice as long, up to a
  quarter of an hour. An owner at another address notices nothing.
- the address alone, for one password tried on many accounts: the same, after thirty.
- the account alone, for many addresses at one account: after a hundred in an hour only addresses
  from which the account has logged in before may try; a reset by mail opens it anywhere.

A try is counted before its password is looked at, so a thousand at once are a thousand in a row.
Unknown accounts are counted like known ones, so the brake does not tell which exist.
"""

from __future__ import annotations

import ipaddress
from dataclasses import dataclass

from sqlalchemy import bindparam, delete, select, update

from cloud_app.accounts.secret import digest_of
from cloud_app.accounts.tables import login_failure
from cloud_app.errors import TooManyTriesError
from cloud_app.storage.database import Row, Session
from cloud_app.storage.upsert import Upsert

_HOUR_MS = 3_600_000
# A day without a try forgets the earlier ones.
_FORGET_MS = 24 * _HOUR_MS
_V6_NETWORK = 64


@dataclass(frozen=True, slots=True)
class Brake:
    """How hard it brakes.

    Attributes:
        free_tries: of one account from one address.
        address_tries: from one address.
        account_tries: of one account in an hour, from anywhere.
        first_wait_ms: after the free ones.
        longest_wait_ms: at most.
    """

    free_tries: int = 5
    address_tries: int = 30
    account_tries: int = 100
    first_wait_ms: int = 1000
    longest_wait_ms: int = 900_000

    def wait_ms(self, failures: int, free: int) -> int:
        """How long to wait after so many failures."""
        over = failures - free
        if over < 0:
            return 0
        return min(self.first_wait_ms << min(over, 40), self.longest_wait_ms)


@dataclass(frozen=True, slots=True)
class Try:
    """One try to log in.

    Attributes:
        email: of the account that is tried, known or not.
        address: where it comes from.
        at_ms: when.
        is_familiar: the account has logged in from there before.
    """

    email: str
    address: str
    at_ms: int
    is_familiar: bool = False

    @property
    def pair(self) -> str:
        """What account and address together are counted as."""
        return f"pair {digest_of(f'{self.email} {network_of(self.address)}')}"

    @property
    def place(self) -> str:
        """What the address is counted as."""
        return f"address {network_of(self.address)}"

    @property
    def account(self) -> str:
        """What the account is counted as."""
        return f"account {digest_of(self.email)}"

    @property
    def counts(self) -> tuple[str, str, str]:
        """All three, in the order of their locks."""
        return (self.account, self.place, self.pair)


def network_of(address: str) -> str:
    """The part of an address that costs something to change: of IPv6 the first 64 bits."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return str(found.ipv4_mapped)
        return str(ipaddress.ip_network((found, _V6_NETWORK), strict=False))
    return str(found)


_MAKE = Upsert(login_failure, ("counted", "failures", "first_ms", "last_ms"))
_LOOK = select(login_failure).where(login_failure.c.counted == bindparam("which")).with_for_update()
_COUNT = (
    update(login_failure)
    .where(login_failure.c.counted == bindparam("which"))
    .values(failures=bindparam("many"), first_ms=bindparam("since_ms"), last_ms=bindparam("now_ms"))
)
_TAKE_BACK = (
    update(login_failure)
    .where(login_failure.c.counted == bindparam("which"), login_failure.c.failures > 0)
    .values(failures=login_failure.c.failures - 1)
)
_FORGET = delete(login_failure).where(login_failure.c.counted == bindparam("which"))
_PRUNE = delete(login_failure).where(login_failure.c.last_ms < bindparam("before_ms"))


def begin(session: Session, brake: Brake, tried: Try) -> int:
    """Count a try as failed until `succeeded` says otherwise.

    Args:
        session: its own transaction: the count must stay whatever follows.
        brake: how hard.
        tried: the try.

    Returns:
        Failures of the account from anywhere, this one included, since an hour ago or so.

    Raises:
        TooManyTriesError: it comes too early, and was not counted.
    """
    session.upsert(_MAKE, [(name, 0, tried.at_ms, tried.at_ms) for name in tried.counts])
    found = {name: session.rows(_LOOK, {"which": name})[0] for name in tried.counts}
    waits_ms = [
        _left_ms(found[tried.pair], brake, brake.free_tries, tried.at_ms),
        _left_ms(found[tried.place], brake, brake.address_tries, tried.at_ms),
    ]
    whole = found[tried.account]
    if (
        not tried.is_familiar
        and whole.failures >= brake.account_tries
        and tried.at_ms - whole.first_ms < _HOUR_MS
    ):
        waits_ms.append(whole.first_ms + _HOUR_MS - tried.at_ms)
    if max(waits_ms) > 0:
        raise TooManyTriesError(max(waits_ms) / 1000)
    for name, row in found.items():
        past_ms = _HOUR_MS if name == tried.account else _FORGET_MS
        since = row.first_ms if name == tried.account else row.last_ms
        fresh = tried.at_ms - since >= past_ms
        session.run(
            _COUNT,
            {
                "which": name,
                "many": 1 if fresh else row.failures + 1,
                "since_ms": tried.at_ms if fresh else row.first_ms,
                "now_ms": tried.at_ms,
            },
        )
    return int(whole.failures) + 1


def _left_ms(row: Row, brake: Brake, free: int, now_ms: int) -> int:
    if now_ms - row.last_ms >= _FORGET_MS:
        return 0
    return max(0, int(row.last_ms) + brake.wait_ms(row.failures, free) - now_ms)


def take_back(session: Session, tried: Try) -> None:
    """Count a try as neither failed nor succeeded."""
    for name in tried.counts:
        session.run(_TAKE_BACK, {"which": name})


def succeeded(session: Session, tried: Try) -> None:
    """Forget the failures of this account from this address; others' stay counted."""
    take_back(session, tried)
    session.run(_FORGET, {"which": tried.pair})


def prune(session: Session, now_ms: int) -> None:
    """Drop counts that no longer matter."""
    session.run(_PRUNE, {"before_ms": now_ms - _FORGET_MS})
