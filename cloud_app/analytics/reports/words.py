"""Texts and numbers of report files, in each language that they come in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from cloud_app.analytics.reports.figures import Figure, Mark


class Language(StrEnum):
    """Of a file."""

    EN = "en"
    DE = "de"


_EN = {
    "report": "Parking report",
    "all_lots": "All lots",
    "period": "Period",
    "made": "Made",
    "zones_of_time": "Days of",
    "occupancy": "Occupancy",
    "peak": "Fullest hour",
    "full": "Time without a free bay",
    "full_share": "Full, share of time",
    "longest": "Longest",
    "spells": "Times",
    "turnover": "Vehicles a bay a day",
    "stays": "stays",
    "median": "Median stay",
    "p90": "90 % shorter than",
    "mean": "Mean stay",
    "bays": "Bays",
    "lot": "Lot",
    "site": "Site",
    "lots": "Lots",
    "zone": "Zone",
    "zones": "Zones",
    "no_zone": "no zone",
    "kind": "Kind of bay",
    "kinds": "Kinds of bays",
    "observed": "Observed",
    "heat": "Occupancy by hour and weekday",
    "days": "Occupancy by day",
    "day": "Day",
    "hour": "Hour",
    "weekday": "Weekday",
    "lengths": "How long vehicles stayed",
    "length": "Length",
    "count": "Vehicles",
    "availability": "How much of the time the system knew",
    "known": "Known",
    "cause": "Cause",
    "bay_hours": "Bay hours",
    "share": "Share",
    "away": "Edge boxes away (their data came later)",
    "compared": "Compared with",
    "change": "Change",
    "before": "Before",
    "now": "Now",
    "points": "points",
    "summary": "Summary",
    "more": "and longer",
    "page": "Page",
    "not_observed": "not observed",
    "note": (
        "Occupancy is the share of the time in which a bay was occupied, of the time in which it "
        "was known: unknown is never free. {partial} marks figures that rest on less than 90 % "
        "of the time; of less than 50 % no figure is given ({refused}). A quarter of an hour "
        "counts as full if 98 % of the known bays were occupied. A stay counts on the day on "
        "which it ended; medians are exact within classes of 5 to 60 minutes."
    ),
    "cause.not_kept": "nothing was told",
    "cause.no_record": "not told of yet",
    "cause.": "no reason told",
    "cause.starting": "starting",
    "cause.camera_lost": "camera lost",
    "cause.frozen": "frozen picture",
    "cause.blind": "camera blind",
    "cause.dark": "too dark",
    "cause.view_moved": "camera moved",
    "cause.occluded": "view blocked",
    "cause.unsure": "not sure",
    "cause.model_error": "model failed",
    "cause.sensor_silent": "sensor silent",
    "cause.sensor_fault": "sensor faulty",
    "cause.sources_differ": "sources differ",
    "kind.standard": "standard",
    "kind.disabled": "disabled drivers",
    "kind.ev": "charging",
    "kind.loading": "loading",
    "kind.reserved": "reserved",
}
_DE = {
    "report": "Parkbericht",
    "all_lots": "Alle Parkplätze",
    "period": "Zeitraum",
    "made": "Erstellt",
    "zones_of_time": "Tage nach",
    "occupancy": "Belegung",
    "peak": "Vollste Stunde",
    "full": "Zeit ohne freien Stellplatz",
    "full_share": "Voll, Anteil der Zeit",
    "longest": "Am längsten",
    "spells": "Mal",
    "turnover": "Fahrzeuge je Stellplatz und Tag",
    "stays": "Parkvorgänge",
    "median": "Mittlere Dauer (Median)",
    "p90": "90 % kürzer als",
    "mean": "Durchschnittliche Dauer",
    "bays": "Stellplätze",
    "lot": "Parkplatz",
    "site": "Standort",
    "lots": "Parkplätze",
    "zone": "Zone",
    "zones": "Zonen",
    "no_zone": "ohne Zone",
    "kind": "Art des Stellplatzes",
    "kinds": "Arten von Stellplätzen",
    "observed": "Beobachtet",
    "heat": "Belegung nach Stunde und Wochentag",
    "days": "Belegung nach Tag",
    "day": "Tag",
    "hour": "Stunde",
    "weekday": "Wochentag",
    "lengths": "Wie lange Fahrzeuge standen",
    "length": "Dauer",
    "count": "Fahrzeuge",
    "availability": "Wie viel der Zeit das System Bescheid wusste",
    "known": "Bekannt",
    "cause": "Ursache",
    "bay_hours": "Stellplatzstunden",
    "share": "Anteil",
    "away": "Edge-Boxen nicht erreichbar (Daten kamen später)",
    "compared": "Verglichen mit",
    "change": "Änderung",
    "before": "Vorher",
    "now": "Jetzt",
    "points": "Punkte",
    "summary": "Überblick",
    "more": "und länger",
    "page": "Seite",
    "not_observed": "nicht beobachtet",
    "note": (
        "Belegung ist der Anteil der Zeit, in der ein Stellplatz belegt war, an der Zeit, in der "
        "sein Zustand bekannt war: Unbekannt gilt nie als frei. {partial} kennzeichnet Zahlen, die "
        "auf weniger als 90 % der Zeit beruhen; bei weniger als 50 % steht keine Zahl ({refused}). "
        "Eine Viertelstunde gilt als voll, wenn 98 % der bekannten Stellplätze belegt waren. Ein "
        "Parkvorgang zählt an dem Tag, an dem er endete; Mediane sind auf Klassen von 5 bis 60 "
        "Minuten genau."
    ),
    "cause.not_kept": "nichts gemeldet",
    "cause.no_record": "noch nicht gemeldet",
    "cause.": "ohne Angabe",
    "cause.starting": "Start",
    "cause.camera_lost": "Kamera ausgefallen",
    "cause.frozen": "Bild eingefroren",
    "cause.blind": "Kamera blind",
    "cause.dark": "zu dunkel",
    "cause.view_moved": "Kamera bewegt",
    "cause.occluded": "Sicht verdeckt",
    "cause.unsure": "unsicher",
    "cause.model_error": "Modellfehler",
    "cause.sensor_silent": "Sensor stumm",
    "cause.sensor_fault": "Sensor defekt",
    "cause.sources_differ": "Quellen uneins",
    "kind.standard": "normal",
    "kind.disabled": "Menschen mit Behinderung",
    "kind.ev": "Laden",
    "kind.loading": "Liefern",
    "kind.reserved": "reserviert",
}
_WORDS: Mapping[Language, Mapping[str, str]] = {Language.EN: _EN, Language.DE: _DE}
_WEEKDAYS = {
    Language.EN: ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    Language.DE: ("Mo", "Di", "Mi", "Do", "Fr", "Sa", "So"),
}
_MONTHS = {
    Language.EN: (
        "January", "February", "March", "April", "May", "June", "July", "August", "September",
        "October", "November", "December",
    ),
    Language.DE: (
        "Januar", "Februar", "März", "April", "Mai", "Juni", "Juli", "August", "September",
        "Oktober", "November", "Dezember",
    ),
}  # fmt: skip
_THOUSANDS, _DECIMAL = {Language.EN: ",", Language.DE: "."}, {Language.EN: ".", Language.DE: ","}
PARTIAL, REFUSED = "~", "–"


@dataclass(frozen=True, slots=True)
class Words:
    """Texts and numbers of a language."""

    language: Language

    def __getitem__(self, key: str) -> str:
        """A text."""
        return _WORDS[self.language][key]

    def code(self, group: str, code: str) -> str:
        """What a code stands for; one of a later version as it is."""
        return _WORDS[self.language].get(f"{group}.{code}", code.replace("_", " "))

    @property
    def weekdays(self) -> tuple[str, ...]:
        """From Monday, short."""
        return _WEEKDAYS[self.language]

    @property
    def note(self) -> str:
        """How figures are to be read."""
        return self["note"].format(partial=f"„{PARTIAL}“" if self.language is Language.DE
                                   else f'"{PARTIAL}"', refused=REFUSED)  # fmt: skip

    def number(self, value: float, digits: int = 0) -> str:
        """With a group every three digits."""
        text = f"{value:,.{digits}f}"
        marks = {",": _THOUSANDS[self.language], ".": _DECIMAL[self.language]}
        return "".join(marks.get(each, each) for each in text)

    def percent(self, share: float, digits: int = 0) -> str:
        """A share; 99.6 % is not rounded up to a promise of 100."""
        bound = 10**-digits / 200
        if 1 - bound <= share < 1:
            share = 1 - 2 * bound
        return f"{self.number(100 * share, digits)}\N{NO-BREAK SPACE}%"

    def span(self, minutes: float) -> str:
        """A length of time."""
        whole = round(minutes)
        if whole < 60:  # noqa: PLR2004
            return f"{whole} min"
        hours, rest = divmod(whole, 60)
        if hours >= 48:  # noqa: PLR2004
            return f"{self.number(whole / 60)} h"
        return f"{hours} h {rest} min" if rest else f"{hours} h"

    def day(self, day: date) -> str:
        """A date."""
        dot = "." if self.language is Language.DE else ""
        return f"{day.day}{dot} {_MONTHS[self.language][day.month - 1]} {day.year}"

    def moment(self, at: datetime) -> str:
        """A date with its time of day."""
        return f"{self.weekdays[at.weekday()]} {self.day(at.date())}, {at:%H:%M}"

    def period(self, first: date, last: date) -> str:
        """Two dates."""
        return self.day(first) if first == last else f"{self.day(first)} – {self.day(last)}"

    def share(self, figure: Figure, digits: int = 0) -> str:
        """A share with its mark."""
        return REFUSED if figure.value is None else marked(
            figure, self.percent(figure.value, digits)
        )  # fmt: skip

    def length_class(self, bounds_min: tuple[int, ...], place: int) -> str:
        """A class of lengths."""
        low = self.span(bounds_min[place])
        if place == len(bounds_min) - 1:
            return f"{low} {self['more']}"
        return f"{low} – {self.span(bounds_min[place + 1])}"


def marked(figure: Figure, text: str) -> str:
    """The text of a figure, with a mark where it rests on little."""
    return f"{PARTIAL}{text}" if figure.mark is Mark.PARTIAL else text
