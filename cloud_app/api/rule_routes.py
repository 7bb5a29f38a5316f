"""Rules: what of a tenant's sites leads to alerts and messages; tried, stopped, sent again."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, HTTPException, Path, Query, Response, status
from fastapi.responses import JSONResponse

from cloud_app.accounts.audit import Subject, record
from cloud_app.accounts.roles import Tenant
from cloud_app.api.context import ActorNow, ApiContext, Caller, Context
from cloud_app.api.parameters import REFUSALS, Bearer, KnownQuery, Limit
from cloud_app.api.people_routes import IfMatch, version_of
from cloud_app.api.policy import Access
from cloud_app.api.rule_views import (
    BuiltInRule,
    ConditionCheck,
    ConditionFault,
    DeadLetter,
    DryRun,
    DryRunResult,
    Letters,
    NewRule,
    OutcomeView,
    RuleView,
    StaleRule,
    TriggerView,
)
from cloud_app.errors import StaleError, UnknownError
from cloud_app.rules import catalogue, dry_run, ledger, outbox, store
from cloud_app.rules.conditions import LENGTH_MAX, condition
from cloud_app.rules.errors import ConditionError
from cloud_app.rules.limits import limits_of
from cloud_app.rules.outlets import Outlets, no_broker
from cloud_app.rules.spec import LimitName, RuleSpec
from cloud_app.rules.store import Rule
from cloud_app.rules.words import Trigger
from cloud_app.storage.database import Session

router = APIRouter(
    prefix="/api/v1", tags=["rules"], dependencies=[Bearer, KnownQuery], responses=REFUSALS
)

_DAY_MS = 86_400_000
Which = Annotated[str, Path(min_length=1, max_length=40)]
_STALE: dict[int | str, dict[str, Any]] = {
    412: {"model": StaleRule, "description": "changed meanwhile; what is so now"}
}


@router.get("/rules")
def get_rules(access: Caller, context: Context) -> list[RuleView]:
    """The rules of the caller's tenants, by tenant and name."""
    with context.database.read() as session:
        return _views(session, store.of_tenants(session, access.tenants))


@router.post("/rules", status_code=status.HTTP_201_CREATED)
def post_rule(
    given: NewRule, access: Caller, actor: ActorNow, context: Context, response: Response
) -> RuleView:
    """Make a rule; it is for what happens from now on."""
    tenant = _tenant(access, given.tenant)
    with context.database.write() as session:
        _check(session, context, tenant, given.rule)
        made = store.create(session, actor, tenant, given.rule)
    response.headers["ETag"] = f'"{made.version}"'
    return RuleView.of(made, (0, 0, None), 0)


@router.get("/rules/built-in")
def get_built_in(access: Caller, context: Context) -> list[BuiltInRule]:
    """The rules of the service itself, with what they found at the caller's sites."""
    config = context.config
    with context.database.read() as session:
        own = store.of_tenants(session, access.tenants)
        found = catalogue.built_in(session, config.rules, config.gates, access.sites.wanted, own)
    return [BuiltInRule.of(each) for each in found]


@router.get("/rules/variables")
def get_variables() -> list[TriggerView]:
    """What conditions and texts may name, by trigger."""
    return TriggerView.every()


@router.get("/rules/check")
def get_check(
    when: Annotated[str, Query(max_length=2 * LENGTH_MAX, description="a condition in CEL")],
    trigger: Annotated[Trigger, Query(description="what it looks at")] = Trigger.EVENT,
    numbers: Annotated[tuple[LimitName, ...], Query(max_length=10, description="limits")] = (),
    lists: Annotated[tuple[LimitName, ...], Query(max_length=10, description="limits")] = (),
) -> ConditionCheck:
    """Whether a condition can be used, and if not, where it is wrong."""
    limits = limits_of({**dict.fromkeys(numbers, 0.0), **dict.fromkeys(lists, ())})
    try:
        condition(when, trigger, limits)
    except ConditionError as exc:
        return ConditionCheck(
            faults=[
                ConditionFault(line=each.line, column=each.column, message=each.message)
                for each in exc.faults
            ]
        )
    return ConditionCheck(faults=[])


@router.post("/rules/dry-run")
def post_dry_run(given: DryRun, access: Caller, actor: ActorNow, context: Context) -> DryRunResult:
    """Try a rule on the past: how often it would have fired, with examples. Nothing is changed."""
    tenant = _tenant(access, given.tenant)
    with context.database.write() as session:
        _check_sites(session, context, tenant, given.rule)
        subject = Subject("rule", given.rule.name, str(tenant))
        record(session, actor, "rule.try", subject, None, {"days": given.days})
    with context.database.read() as session:
        sites = context.accounts.tenants.sites(session, tenant)
        asked = dry_run.Question(
            given.rule,
            tenant,
            sites,
            actor.at_ms - given.days * _DAY_MS,
            actor.at_ms + 1,
            int(context.config.ingest.stale_after_s * 1000),
        )
        trial = dry_run.dry_run(session, asked, context.clock.mono_s)
    return DryRunResult.of(trial)


@router.get("/rules/{rule}")
def get_rule(rule: Which, access: Caller, context: Context, response: Response) -> RuleView:
    """A rule, and how it is."""
    with context.database.read() as session:
        found = _seen(session, access, rule)
        [view] = _views(session, [found])
    response.headers["ETag"] = f'"{found.version}"'
    return view


@router.put("/rules/{rule}", response_model=RuleView, responses=_STALE)
def put_rule(
    rule: Which,
    given: RuleSpec,
    if_match: IfMatch,
    access: Caller,
    actor: ActorNow,
    context: Context,
) -> Response:
    """Let a rule say something else; its windows begin anew, and it leaves the quarantine."""
    try:
        with context.database.write() as session:
            known = _seen(session, access, rule)
            spec = store.kept_secrets(known.spec, given)
            _check(session, context, known.tenant, spec)
            done = store.change(session, actor, known, spec, version_of(if_match))
            [view] = _views(session, [done])
    except StaleError as error:
        with context.database.read() as session:
            newer = _seen(session, access, rule)
            [now] = _views(session, [newer])
        stale = StaleRule(detail=str(error), rule=now)
        return _answer(stale, newer.version, status.HTTP_412_PRECONDITION_FAILED)
    return _answer(view, done.version)


@router.delete("/rules/{rule}", status_code=status.HTTP_204_NO_CONTENT)
def delete_rule(rule: Which, access: Caller, actor: ActorNow, context: Context) -> None:
    """Delete a rule, with what it still had to send and what it kept."""
    with context.database.write() as session:
        store.remove(session, actor, _seen(session, access, rule))


@router.post("/rules/{rule}/release")
def post_release(rule: Which, access: Caller, actor: ActorNow, context: Context) -> RuleView:
    """Take a rule out of the quarantine: it is judged again from now on."""
    with context.database.write() as session:
        known = store.release(session, actor, _seen(session, access, rule))
        [view] = _views(session, [known])
    return view


@router.get("/rules/{rule}/outcomes")
def get_outcomes(
    rule: Which, access: Caller, context: Context, limit: Limit = 100
) -> list[OutcomeView]:
    """What a rule with the action `table` did, the newest first."""
    with context.database.read() as session:
        found = ledger.outcomes(session, _seen(session, access, rule).id, limit)
    return [OutcomeView.of(row) for row in found]


@router.get("/rules/{rule}/letters")
def get_letters(
    rule: Which, access: Caller, context: Context, limit: Limit = 100
) -> list[DeadLetter]:
    """The messages of a rule that were given up, the newest first."""
    with context.database.read() as session:
        found = outbox.dead_letters(session, _seen(session, access, rule).id, limit)
    return [DeadLetter.of(row) for row in found]


@router.post("/rules/{rule}/letters/replay")
def post_replay(rule: Which, access: Caller, actor: ActorNow, context: Context) -> Letters:
    """Send all of these again, to where the rule's actions now lead."""
    with context.database.write() as session:
        return Letters(letters=outbox.replay(session, actor, _seen(session, access, rule)))


@router.delete("/rules/{rule}/letters")
def delete_letters(rule: Which, access: Caller, actor: ActorNow, context: Context) -> Letters:
    """Delete all of these."""
    with context.database.write() as session:
        return Letters(letters=outbox.discard(session, actor, _seen(session, access, rule)))


def _views(session: Session, found: list[Rule]) -> list[RuleView]:
    letters = outbox.counts(session, [each.id for each in found])
    keys = ledger.open_spells(session)
    return [
        RuleView.of(each, letters.get(each.id, (0, 0, None)), keys.get(each.id, 0))
        for each in found
    ]


def _seen(session: Session, access: Access, which: str) -> Rule:
    """A rule, if the caller sees to those of its tenant.

    Raises:
        UnknownError: as for one that does not exist.
    """
    found = store.by_id(session, which)
    if found.tenant not in access.tenants:
        msg = f"there is no rule {which[:40]!r}"
        raise UnknownError(msg)
    return found


def _tenant(access: Access, text: str) -> Tenant:
    tenant = Tenant.parse(text)
    if tenant not in access.tenants:
        raise HTTPException(status.HTTP_403_FORBIDDEN, f"you make no rules at {text[:80]}")
    return tenant


def _check(session: Session, context: ApiContext, tenant: Tenant, spec: RuleSpec) -> None:
    _check_sites(session, context, tenant, spec)
    Outlets.of(context.config, no_broker).check(spec)


def _check_sites(session: Session, context: ApiContext, tenant: Tenant, spec: RuleSpec) -> None:
    store.check_sites(session, context.accounts.tenants, tenant, spec)


def _answer(body: RuleView | StaleRule, version: int, code: int = status.HTTP_200_OK) -> Response:
    return JSONResponse(body.model_dump(mode="json"), code, {"ETag": f'"{version}"'})
