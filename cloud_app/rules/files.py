"""Rules in a TOML file: one `[[rule]]` each, found again by tenant and name."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError

from cloud_app.accounts.audit import Actor
from cloud_app.accounts.roles import Tenant, Tenants
from cloud_app.errors import AccountError, AlertError
from cloud_app.rules import store
from cloud_app.rules.errors import RuleError
from cloud_app.rules.outlets import Outlets
from cloud_app.rules.spec import RuleSpec
from cloud_app.rules.store import Rule
from cloud_app.storage.database import Session


@dataclass(frozen=True, slots=True)
class FileRule:
    """A rule of a file.

    Attributes:
        place: which in the file, and its name: for errors.
        tenant: whose, as text; None: whoever imports it says it.
        spec: what it says.
    """

    place: str
    tenant: str | None
    spec: RuleSpec


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import did, by names of rules."""

    made: tuple[str, ...]
    changed: tuple[str, ...]
    same: tuple[str, ...]


def read_rules(text: str, name: str) -> list[FileRule]:
    """The rules of a file.

    Args:
        text: TOML.
        name: of the file, for errors.

    Raises:
        RuleError: it is no TOML, or a rule is not as it must be: all faults, one a line.
    """
    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as exc:
        msg = f"{name}: expected TOML, but got: {exc}"
        raise RuleError(msg) from exc
    tables = document.pop("rule", [])
    if document or not isinstance(tables, list):
        msg = (
            f"{name}: expected [[rule]] tables alone, but got {', '.join(document) or 'rule = ...'}"
        )
        raise RuleError(msg)
    found: list[FileRule] = []
    faults: list[str] = []
    for number, table in enumerate(tables, 1):
        place = f"{name}: rule {number} ({_name_of(table)})"
        try:
            found.append(_read(place, table))
        except ValidationError as exc:
            faults += _told(place, exc)
    faults += _twice(found)
    if faults:
        raise RuleError("\n".join(faults))
    return found


def _name_of(table: Any) -> str:
    return repr(table.get("name", "without a name") if isinstance(table, dict) else table)[:60]


def _read(place: str, table: Any) -> FileRule:
    given = dict(table) if isinstance(table, dict) else table
    tenant = given.pop("tenant", None) if isinstance(given, dict) else None
    return FileRule(place, tenant, RuleSpec.model_validate(given))


def _told(place: str, exc: ValidationError) -> Iterable[str]:
    for error in exc.errors(include_url=False):
        where = ".".join(map(str, error["loc"]))
        told = error["msg"].removeprefix("Value error, ")
        # What was given may be a secret, or a whole table.
        is_plain = isinstance(error["input"], str | int | float) and "secret" not in where
        got = f", but got {error['input']!r}" if where and is_plain else ""
        yield f"{place}: {where + ': ' if where else ''}{told}{got}"


def _twice(found: Sequence[FileRule]) -> list[str]:
    seen: set[tuple[str | None, str]] = set()
    faults: list[str] = []
    for each in found:
        if (each.tenant, each.spec.name) in seen:
            faults.append(f"{each.place}: another rule of this file has the name")
        seen.add((each.tenant, each.spec.name))
    return faults


@dataclass(frozen=True, slots=True)
class Importer:
    """Brings rules of a file into the database.

    Attributes:
        tenants: whose sites are whose.
        outlets: what actions can work here.
        tenant: whose the rules are that do not say it.
    """

    tenants: Tenants
    outlets: Outlets
    tenant: Tenant | None

    def bring(self, session: Session, actor: Actor, rules: Sequence[FileRule]) -> Imported:
        """Make rules, or change those of the same tenant and name; others stay as they are.

        Raises:
            RuleError: one is not as it must be here; nothing is changed then.
        """
        made: list[str] = []
        changed: list[str] = []
        same: list[str] = []
        for each in rules:
            try:
                tenant = self._tenant(session, each)
                known = _known(session, tenant, each.spec.name)
                spec = store.kept_secrets(None if known is None else known.spec, each.spec)
                store.check_sites(session, self.tenants, tenant, spec)
                self.outlets.check(spec)
                if known is None:
                    store.create(session, actor, tenant, spec)
                    made.append(spec.name)
                elif known.spec == spec:
                    same.append(spec.name)
                else:
                    store.change(session, actor, known, spec, known.version)
                    changed.append(spec.name)
            except (RuleError, AlertError, AccountError) as exc:
                msg = f"{each.place}: {exc}"
                raise RuleError(msg) from exc
        return Imported(tuple(made), tuple(changed), tuple(same))

    def _tenant(self, session: Session, each: FileRule) -> Tenant:
        if each.tenant is None:
            if self.tenant is None:
                msg = "expected a tenant, such as operator:NAME, but got none"
                raise RuleError(msg)
            return self.tenant
        tenant = Tenant.parse(each.tenant)
        if tenant not in self.tenants.all(session):
            msg = f"there is no tenant {each.tenant!r}"
            raise RuleError(msg)
        return tenant


def _known(session: Session, tenant: Tenant, name: str) -> Rule | None:
    found = (each for each in store.of_tenants(session, [tenant]) if each.spec.name == name)
    return next(found, None)


def written(rules: Sequence[Rule]) -> str:
    """Rules as a file: without secrets, which an import leaves as they are."""
    return "\n".join(_table(each) for each in rules)


def written_shipped(rules: Sequence[Rule]) -> str:
    """Rules of the service as a file of rules that replace them, of whatever tenant imports it."""
    return "\n".join(_table(each, has_tenant=False) for each in rules)


def _table(known: Rule, *, has_tenant: bool = True) -> str:
    facts = known.spec.model_dump(mode="json", exclude_defaults=True)
    actions = [each.model_dump(mode="json") for each in known.spec.actions]
    facts.pop("actions", None)
    lines = ["[[rule]]", *([f"tenant = {_value(str(known.tenant))}"] if has_tenant else ())]
    lines += [f"{name} = {_value(value)}" for name, value in facts.items()]
    for action in actions:
        action.pop("secret", None)
        lines += ["", "[[rule.actions]]"]
        lines += [f"{name} = {_value(value)}" for name, value in action.items()]
    return "\n".join(lines) + "\n"


def _value(value: Any) -> str:
    """A value as TOML has it: JSON's strings, numbers, booleans and lists are TOML's too."""
    if isinstance(value, Mapping):
        inside = ", ".join(f"{name} = {_value(each)}" for name, each in value.items())
        return f"{{ {inside} }}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # TOML takes no half of a surrogate pair, and DEL only escaped.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
