"""Putting accounts together, for the service and for the command line."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import quote

from cloud_app.accounts.audit import Actor
from cloud_app.accounts.brake import Brake
from cloud_app.accounts.login import PasswordLogin
from cloud_app.accounts.mail import letter, post
from cloud_app.accounts.oidc import ProviderLogin
from cloud_app.accounts.passwords import Passwords
from cloud_app.accounts.people import Person
from cloud_app.accounts.registry_tenants import JoinedTenants, RegistryTenants
from cloud_app.accounts.roles import ConfiguredTenants, Tenants
from cloud_app.accounts.sessions import Lifetime
from cloud_app.accounts.tickets import TicketKind, issue
from cloud_app.config import CloudConfig
from cloud_app.storage.database import Database, Session
from cloud_app.storage.times import from_ms

ANSWER_PATH = "/api/v1/login/provider/answer"
"""Where the provider sends the browser back to."""

_SUBJECTS = {
    TicketKind.INVITATION: "You are invited to lotsight",
    TicketKind.RESET: "Reset your lotsight password",
}
_BODIES = {
    TicketKind.INVITATION: (
        "{actor} has invited you to lotsight.\n\nSet a password here, until {until}:\n\n{link}\n\n"
        "Whoever has this link can use it, once: do not pass it on.\n"
    ),
    TicketKind.RESET: (
        "Somebody, hopefully you, asked to reset the password of your lotsight account.\n\n"
        "Set a new one here, until {until}:\n\n{link}\n\n"
        "If it was not you, do nothing: your password stays as it is.\n"
    ),
}


@dataclass(frozen=True, slots=True)
class Accounts:
    """What routes and commands work with.

    Attributes:
        database: with the accounts.
        tenants: who there is.
        passwords: checks them.
        password_login: lets people in who have one.
        provider_login: lets people in whom an OpenID provider knows; None without a provider.
        lifetime: of sessions.
        url: of the pages as people type it, without a slash at its end.
        lasts_s: how long each kind of link works.
        sends_mail: whether there is a mail server.
    """

    database: Database
    tenants: Tenants
    passwords: Passwords
    password_login: PasswordLogin
    provider_login: ProviderLogin | None
    lifetime: Lifetime
    url: str
    lasts_s: dict[TicketKind, float]
    sends_mail: bool

    @classmethod
    def of(
        cls, config: CloudConfig, database: Database, passwords: Passwords | None = None
    ) -> Accounts:
        """As configured.

        Args:
            config: of the whole service.
            database: with the accounts.
            passwords: hashes with other parameters than usual; None: the usual ones.
        """
        accounts, http = config.accounts, config.http
        url = (accounts.public_url or f"{http.scheme}://{http.host}:{http.port}").rstrip("/")
        passwords = passwords or Passwords()
        sends_mail = config.mail is not None
        provider = None
        if accounts.oidc is not None:
            from cloud_app.accounts.oidc_client import Provider

            provider = ProviderLogin(database, Provider(accounts.oidc, url + ANSWER_PATH))
        return cls(
            database=database,
            tenants=JoinedTenants(ConfiguredTenants(accounts), RegistryTenants()),
            passwords=passwords,
            password_login=PasswordLogin(database, passwords, Brake(), sends_mail),
            provider_login=provider,
            lifetime=Lifetime.of(accounts),
            url=url,
            lasts_s={
                TicketKind.INVITATION: accounts.invitation_s,
                TicketKind.RESET: accounts.reset_s,
            },
            sends_mail=sends_mail,
        )

    @property
    def is_encrypted(self) -> bool:
        """Whether people reach the pages over TLS, so that cookies may be bound to it."""
        return self.url.startswith("https://")

    def send_link(self, session: Session, actor: Actor, person: Person, kind: TicketKind) -> str:
        """Make a link and, where there is a mail server, send it; the link.

        Args:
            session: of the change.
            actor: who asked for it.
            person: who is to use it.
            kind: what for.
        """
        lasts_s = self.lasts_s[kind]
        secret = issue(session, actor, person, kind, lasts_s)
        # Behind the '#': neither a proxy's log nor a Referer header gets to see it.
        link = f"{self.url}/login#{kind.value}={quote(secret)}"
        until_ms = actor.at_ms + int(lasts_s * 1000)
        if self.sends_mail:
            text = _BODIES[kind].format(
                actor=actor.name, link=link, until=f"{from_ms(until_ms):%d %B %Y, %H:%M} UTC"
            )
            post(session, letter(person.email, _SUBJECTS[kind], text, actor.at_ms), until_ms)
        return link
