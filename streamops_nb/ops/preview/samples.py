"""The samples that a workspace keeps, beside its jobs."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Refused
from streamops_nb.model.wording import cut, did_you_mean

if TYPE_CHECKING:
    import pandas as pd

__all__ = ["Samples"]

_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")


class Samples:
    """Samples by name; each is a folder as `Sample.to_parquet` writes it.

    Parameters
    ----------
    folder
        Where they lie; made when the first one is saved.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def save(self, name: str, sample: Sample, *, replace: bool = False) -> Sample:
        """Keep a sample under a name.

        Parameters
        ----------
        replace
            Whether one of this name may be there already; it is dropped then.

        Raises
        ------
        Refused
            If the name does not do, or one of this name is there.
        """
        if not _NAME.fullmatch(name):
            what = f'"{cut(name)}" is no name for a sample'
            raise Refused(f"{what} - small letters, digits and _ are accepted, a letter first")
        if name in self:
            if not replace:
                raise Refused(f"there is a sample `{name}` - drop it, or say replace=True")
            self.drop(name)
        self._folder.mkdir(parents=True, exist_ok=True)
        sample.to_parquet(self._folder / name)
        return sample

    def load(self, name: str) -> Sample:
        """Give a sample by its name; it can be previewed on as long as its sources are the same.

        Raises
        ------
        Refused
            If there is none, or its files are damaged.
        """
        return Sample.from_parquet(self._path(name))

    def drop(self, name: str) -> None:
        """Remove a sample.

        Raises
        ------
        Refused
            If there is none.
        """
        shutil.rmtree(self._path(name))

    def list(self) -> pd.DataFrame:
        """Give all of them: id, how and when they were drawn, streams, records, edits."""
        import pandas as pd

        rows = []
        for name in self:
            sample = self.load(name)
            rows.append(
                {
                    "name": name,
                    "id": sample.id,
                    "how": sample.how,
                    "at": pd.Timestamp(sample.at, unit="s", tz="UTC"),
                    "streams": ", ".join(sample.streams),
                    "records": sample.rows,
                    "edits": len(sample.edits),
                }
            )
        columns = ["name", "id", "how", "at", "streams", "records", "edits"]
        return pd.DataFrame(rows, columns=columns)

    def __contains__(self, name: object) -> bool:
        return name in tuple(iter(self))

    def __iter__(self) -> Iterator[str]:
        if not self._folder.is_dir():
            return iter(())
        return iter(sorted(path.name for path in self._folder.iterdir() if _is_name(path.name)))

    def __len__(self) -> int:
        return len(tuple(iter(self)))

    def __repr__(self) -> str:
        return f"Samples({', '.join(self) or 'none'})"

    def _path(self, name: str) -> Path:
        if name not in self:
            remedy = did_you_mean(cut(name), self) if len(self) else "none is kept yet"
            raise Refused(f"there is no sample `{cut(name)}` - {remedy}")
        return self._folder / name


def _is_name(text: str) -> bool:
    return _NAME.fullmatch(text) is not None
