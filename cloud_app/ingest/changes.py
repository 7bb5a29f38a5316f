"""Changes of bays, read the short way: nearly all that a cloud reads.

`read_change` takes a payload of exactly the contract's fields, each in its plain form, and makes no
models of it. Any other payload it leaves to `telemetry.decode_event`, which alone says what is
refused, and why; so the short way accepts nothing that the long way does not.

The long way first searches the whole payload for what no message may hold
(`telemetry.payload_checks`), since a reader passes over fields that it does not know. Here no such
field is left over: unknown ones are not allowed, a repeated one shows by its comma, and every value
has been held against its type. What a value may not hold hides behind a backslash alone (NUL, half
a surrogate pair), or is no JSON.
"""

from __future__ import annotations

from datetime import datetime
from enum import Enum
from functools import cache
from types import UnionType
from typing import (
    Annotated,
    Any,
    Final,
    Literal,
    NotRequired,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
)

from pydantic import BaseModel, ConfigDict, StringConstraints, TypeAdapter
from typing_extensions import TypedDict

from cloud_app.storage.times import to_ms
from cloud_app.stream import BayChange, TakenEvent
from telemetry.bounds import MAX_MESSAGE_BYTES, UtcTime
from telemetry.cloudevents import BayChangedEvent, EventId
from telemetry.messages import Occupancy
from telemetry.topics import EdgeTopic

# As our edges write it; all its years and numbers lie amid the contract's bounds.
_Time = Annotated[
    str,
    StringConstraints(
        pattern=r"^20[1-8][0-9]-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?Z$"
    ),
]
_Id = Annotated[str, StringConstraints(pattern=r"^[1-9][0-9]{0,14}-[1-9][0-9]{0,14}$")]
_SIMPLE: Final = {UtcTime: _Time, EventId: _Id}
_CLOSED = ConfigDict(extra="forbid", allow_inf_nan=False, strict=True)
_STATES: Final = {occ: Occupancy.of(occ).value for occ in (True, False, None)}


@cache
def _closed(model: type[BaseModel]) -> Any:
    """A dictionary of the model's fields and of no others."""
    hints = get_type_hints(model, include_extras=True)
    fields = {
        name: _plain(hints[name]) if field.is_required() else NotRequired[_plain(hints[name])]
        for name, field in model.model_fields.items()
    }
    made = cast("Any", TypedDict)(model.__name__, fields)
    made.__pydantic_config__ = _CLOSED
    return made


def _plain(hint: Any) -> Any:
    """The same type without models, enumerations and times."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if get_origin(hint) in {Union, UnionType}:
        return Union[tuple(map(_plain, get_args(hint)))]  # noqa: UP007 - made at run time
    if isinstance(hint, type) and issubclass(hint, Enum):
        return Literal[tuple(each.value for each in hint)]
    if isinstance(hint, type) and issubclass(hint, BaseModel):
        return _closed(hint)
    return hint


_validate = TypeAdapter[Any](_closed(BayChangedEvent)).validator.validate_json


def read_change(payload: bytes, place: EdgeTopic) -> TakenEvent | None:
    """Read a bay's change; None if it is not written as plainly as our edges write it.

    Args:
        payload: of a message.
        place: the topic that it came on.
    """
    if b"\\" in payload or len(payload) > MAX_MESSAGE_BYTES:
        return None
    try:
        event = _validate(payload)
        data = event["data"]
        occ, reason, blocked = data["occ"], data.get("reason"), data.get("blocked")
        commas = len(event) + len(data) + len(data["clock"]) - 3
        for part in (data.get("model"), blocked):
            commas += len(part) - 1 if part else 0
        if (
            payload.count(b",") != commas
            or data["state"] != _STATES[occ]
            or (occ is None) != (reason is not None)
            or event["source"] != place.topics.base
        ):
            return None
        time, since = event["time"], data["since"]
        time_ms = _ms(time)
        since_ms = time_ms if since == time else _ms(since)
    except ValueError:  # pydantic's, or a day that its month does not have
        return None
    occ = None if occ is None else int(occ)
    facts = (occ, int(data.get("closed", False)), reason, since_ms, data["conf"])
    kind = None if blocked is None else blocked["kind"]
    told = BayChange(event["subject"], *facts, data["cause"], data["layout"], kind)
    epoch, _, seq = event["id"].partition("-")
    head = (place.topics.site, place.topics.edge, int(epoch), int(seq), time_ms)
    return TakenEvent(*head, told, payload.decode())


def _ms(time: str) -> int:
    return to_ms(datetime.fromisoformat(time))
