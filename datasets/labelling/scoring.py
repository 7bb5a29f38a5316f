"""Expected value of a reviewer's answer about a bay.

Three signs are known from the literature, and each alone can be enough:

- the network is unsure: the margin between its two classes is small (Settles 2009, section 3.1);
- its two heads disagree: query by committee (Seung, Opper, Sompolinsky 1992) with the bay head and
  the boxes as members;
- it contradicts the label that is there: the label's own confidence is low (Northcutt, Jiang,
  Chuang 2021, "confident learning"), which finds errors of labels.

A fourth comes from the box: a frame that was kept because something happened is worth more.
They are joined as independent causes (noisy or): `1 - (1 - a)(1 - b)...`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

import numpy as np
import numpy.typing as npt

from datasets.frames import Bools
from vision.types import Floats, as_floats

UNSURE = "unsure"
HEADS = "heads_disagree"
LABEL = "label_contradicted"
SHOWN_FROM = 0.25
"""A sign weaker than this, of 1, is not named as a reason."""


@dataclass(frozen=True, slots=True)
class Weights:
    """What each sign counts at most, 0 to 1.

    Attributes:
        unsure: of the margin.
        heads: of the heads' disagreement; below 1, since boxes alone err far more often than the
            bay head does (see docs/own-model.md), and mostly by themselves.
        label: of the contradicted label.
        edge: of the box's reasons for keeping the frame; it speaks of frames, not of single bays.
    """

    unsure: float = 1.0
    heads: float = 0.5
    label: float = 1.0
    edge: float = 0.2

    def __post_init__(self) -> None:
        """Reject what is no share."""
        for name, value in asdict(self).items():
            if not 0 <= value <= 1:
                msg = f"{name}: expected a weight from 0 to 1, but got {value}"
                raise ValueError(msg)


@dataclass(frozen=True, slots=True)
class Signs:
    """What is known of the bays of one frame, all arrays of shape (M,).

    Attributes:
        prob: the network's probability of occupied.
        box_prob: the same from its boxes alone.
        label: the label that is there; its value counts only where `has_label`.
        has_label: whether there is one.
        edge: how much the box wanted the frame kept, 0 to 1.
    """

    prob: Floats
    box_prob: Floats
    label: Bools
    has_label: Bools
    edge: float = 0.0

    def __post_init__(self) -> None:
        """Reject arrays that do not belong together."""
        shapes = {self.prob.shape, self.box_prob.shape, self.label.shape, self.has_label.shape}
        if shapes != {(len(self.prob),)}:
            msg = f"expected arrays of one shape (M,), but got {sorted(shapes)}"
            raise ValueError(msg)


def strengths(signs: Signs) -> Mapping[str, Floats]:
    """Each sign by name, 0 to 1, shape (M,)."""
    said = np.where(signs.label, signs.prob, 1 - signs.prob)
    return {
        UNSURE: as_floats(1 - np.abs(2 * signs.prob - 1)),
        HEADS: as_floats(np.abs(signs.prob - signs.box_prob)),
        LABEL: as_floats(np.where(signs.has_label, 1 - said, 0.0)),
    }


@dataclass(frozen=True, slots=True)
class Worth:
    """What an answer about each bay is good for, arrays of shape (N,), 0 to 1.

    Attributes:
        learning: for the next network; a repeat of what was asked teaches nothing new.
        mending: for the label that is there; each wrong label needs an answer of its own, however
            alike their images are.
    """

    learning: Floats
    mending: Floats

    def total(self, news: Floats | float = 1.0) -> Floats:
        """Both together, where learning counts by how new the bay is, 0 to 1, shape (N,)."""
        return as_floats(1 - (1 - self.learning * news) * (1 - self.mending))

    def __getitem__(self, index: npt.NDArray[np.int64]) -> Worth:
        """Of some of the bays."""
        return Worth(self.learning[index], self.mending[index])

    @classmethod
    def joined(cls, parts: Sequence[Worth]) -> Worth:
        """Of the bays of several frames."""
        return cls(
            np.concatenate([part.learning for part in parts]),
            np.concatenate([part.mending for part in parts]),
        )


def value_bays(signs: Signs, weights: Weights) -> Worth:
    """Worth of an answer about each bay."""
    found = strengths(signs)
    parts = (
        weights.unsure * found[UNSURE],
        weights.heads * found[HEADS],
        np.full(len(signs.prob), weights.edge * signs.edge, np.float32),
    )
    learning = as_floats(1 - np.prod([1 - part for part in parts], axis=0))
    return Worth(learning, as_floats(weights.label * found[LABEL]))


def reasons_of(signs: Signs, bay: int) -> tuple[str, ...]:
    """The signs that speak for asking about a bay, strongest first."""
    found = {name: float(values[bay]) for name, values in strengths(signs).items()}
    ranked = sorted(found, key=lambda name: -found[name])
    return tuple(name for name in ranked if found[name] >= SHOWN_FROM)
