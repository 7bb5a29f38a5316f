"""Sets as the commands take them: by name below the data folder, or a folder in any format."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from datasets.errors import DatasetError
from datasets.formats import Meaning, Reading, SetFormat, read_set
from datasets.frames import LotFrame
from datasets.lots import ANNOTATIONS, parse_set, read_lot


def choose(texts: Sequence[str], root: Path) -> list[tuple[str, str]]:
    """Read `name:split`, `name`, `all`, or the path of a set in any format, `:split` behind it.

    Args:
        texts: as the user wrote them.
        root: folder of the named sets; not looked at where only paths are given.

    Returns:
        Distinct pairs of set and split; the set is a name, or an absolute path.

    Raises:
        DatasetError: there is no such set or split.
    """
    return list(dict.fromkeys(pair for text in texts for pair in _choose(text, root)))


def _choose(text: str, root: Path) -> list[tuple[str, str]]:
    path, split = _as_path(text)
    if path is None:
        return parse_set(text, root)
    splits = list(dict.fromkeys(frame.split for frame in read_set(path).frames))
    if split is not None and split not in splits:
        known = ", ".join(f"'{name}'" for name in splits)
        msg = f"{path}: expected a split among {known}, but got '{split}'"
        raise DatasetError(msg)
    name = str(path.resolve())
    return [(name, one) for one in (splits if split is None else [split])]


def _as_path(text: str) -> tuple[Path | None, str | None]:
    """Path and split, where the text is a path: it exists, or has a separator in it."""
    whole = Path(text).expanduser()
    if whole.exists():
        return whole, None
    before, colon, split = text.rpartition(":")
    if colon and Path(before).expanduser().exists():
        return Path(before).expanduser(), split
    return (whole, None) if "/" in text else (None, None)


def read_split(root: Path, name: str, split: str) -> list[LotFrame]:
    """Read one split of a set that `choose` gave; images are not decoded yet.

    Raises:
        DatasetError: a file is damaged; the text names the place in it.
    """
    folder = root / name  # an absolute path stays what it is
    if (folder / ANNOTATIONS).is_file() and not Path(name).is_absolute():
        return read_lot(folder, split)
    return [frame for frame in read_set(folder).frames if frame.split == split]


def read_sources(
    texts: Sequence[str],
    root: Path,
    set_format: SetFormat | None = None,
    classes: Mapping[str, Meaning] | None = None,
    *,
    is_strict: bool = False,
) -> Reading:
    """Read all that was named, with a format and meanings of classes for paths; see `read_set`.

    Raises:
        DatasetError: there is no such set, or it is damaged.
    """
    frames: list[LotFrame] = []
    ignored: dict[str, int] = {}
    left_out: list[str] = []
    told = None if is_strict else left_out.append
    for text in texts:
        path, split = _as_path(text)
        if path is None:
            pairs = parse_set(text, root)
            frames += [frame for name, one in pairs for frame in read_lot(root / name, one, told)]
            continue
        reading = read_set(path, set_format, classes, is_strict=is_strict)
        chosen = [f for f in reading.frames if split is None or f.split == split]
        if not chosen:
            msg = f"{path}: expected images in split '{split}', but got none"
            raise DatasetError(msg)
        frames += chosen
        left_out += reading.left_out
        for name, count in reading.ignored.items():
            ignored[name] = ignored.get(name, 0) + count
    return Reading(tuple(frames), ignored, tuple(left_out))
