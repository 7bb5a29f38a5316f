"""Mail to the owner of an account whose proofs changed: if it was not them, they should know."""

from __future__ import annotations

from enum import StrEnum

from cloud_app.accounts.audit import Actor, ActorKind
from cloud_app.accounts.mail import letter, post
from cloud_app.accounts.people import Person
from cloud_app.storage.database import Session
from cloud_app.storage.times import from_ms

_DAY_MS = 86_400_000


class Proof(StrEnum):
    """What changed, as the letter says it."""

    PASSWORD = "its password was set"  # noqa: S105 - a text
    TOTP_ON = "its second factor was switched on"
    TOTP_OFF = "its second factor was switched off"
    RECOVERY = "a recovery code was used to log in"
    EMAIL = "its e-mail address was changed"
    PROVIDER = "it was connected with the sign-in provider"


def warn_owner(
    session: Session, actor: Actor, person: Person, proof: Proof, address: str | None = None
) -> None:
    """Put a letter into the outbox, in the transaction of the change.

    Args:
        session: of the change.
        actor: who made it.
        person: whose account it is.
        proof: what changed.
        address: where the letter goes; None: to the person's.
    """
    post(
        session,
        letter(
            address or person.email,
            "Your lotsight account has changed",
            f"On {from_ms(actor.at_ms):%d %B %Y, %H:%M} UTC the lotsight account {person.email} "
            f"changed: {proof.value} {_by(actor, person)}.\n\n"
            "If that was you, nothing needs to be done. If not, reset your password on the "
            "sign-in page and tell your administrator at once.\n",
            actor.at_ms,
        ),
        actor.at_ms + 2 * _DAY_MS,
    )


def _by(actor: Actor, person: Person) -> str:
    if actor.kind is ActorKind.COMMAND_LINE:
        return "by an administrator of the machine"
    who = "" if actor.name == person.email else f"by {actor.name} "
    return f"{who}from {actor.address}" if actor.address else (who or "by the service").strip()
