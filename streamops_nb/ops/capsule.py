"""A capsule: everything needed to replay a failure, in a folder, or in one file for elsewhere."""

from __future__ import annotations

import atexit
import json
import shutil
import tempfile
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any

from streamops_nb.engine.preview.sample import Sample
from streamops_nb.model.errors import Refused
from streamops_nb.model.events import ErrorRaised, Event, from_json
from streamops_nb.model.figures import iso
from streamops_nb.model.spec import JobSpec
from streamops_nb.model.wording import cut, number_of
from streamops_nb.ops.preview.alone import preview
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.plan import specfile

__all__ = ["ABOUT", "FORMAT", "Capsule", "open_capsule"]

FORMAT = 1
"""Version of the layout."""

ABOUT = "capsule.json"
_MOST = 2**30
"""A file that unpacks to more bytes than this is refused."""


class Capsule:
    """A failure of a job, kept with the batch that failed; ``job.failure``.

    The raw records of that batch are in it: give it only to whom they may be shown.

    Parameters
    ----------
    folder
        Where it lies: ``capsule.json``, ``spec.yaml``, ``events.jsonl``, the folders ``sample`` and
        ``references``.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        try:
            about = json.loads((folder / ABOUT).read_text(encoding="utf-8"))
            if about["format"] > FORMAT:
                raise Refused(f"{folder} is a capsule of a newer streamops_nb - use that version")
            self.job = str(about["job"])
            failure = from_json(about["error"])
            self.versions: dict[str, Any] = dict(about["versions"])
            self.without = str(about["without"])
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise Refused(f"{folder} is no capsule: {type(error).__name__}: {error}") from error
        assert isinstance(failure, ErrorRaised)
        self.error: ErrorRaised = failure

    @property
    def spec(self) -> JobSpec:
        """The specification that ran; its references are those in the capsule."""
        spec = specfile.load(self.folder / "spec.yaml")
        kept = {path.stem: path for path in (self.folder / "references").glob("*.parquet")}
        data = spec.model_dump(mode="json")
        for name in data["references"]:
            if name in kept:
                data["references"][name] = {"type": "parquet", "path": str(kept[name])}
        return JobSpec.model_validate(data)

    @property
    def sample(self) -> Sample:
        """The records of the batch that failed.

        Raises
        ------
        Refused
            If they could not be read when it was made; says why.
        """
        if self.without:
            raise Refused(f"the capsule has no records: {self.without}")
        return Sample.from_parquet(self.folder / "sample")

    @property
    def events(self) -> list[Event]:
        """The last events of the job before it failed, oldest first."""
        lines = (self.folder / "events.jsonl").read_text(encoding="utf-8").splitlines()
        return [from_json(json.loads(line)) for line in lines]

    def preview(self, **how: Any) -> Preview:
        """Replay the batch in a preview: nothing is written, no source is read.

        Keywords as of `streamops_nb.Workspace.preview`; `Preview.run` tries changes on it.
        """
        return preview(self.spec, sample=self.sample, folder=self.folder, **how)

    def export(self, to: str | Path) -> Path:
        """Write it to one file, which `streamops_nb.open_capsule` opens on any machine.

        Raises
        ------
        Refused
            If the file is there already.
        """
        path = Path(to)
        try:
            with path.open("xb") as file:
                self.pack(file)
        except FileExistsError:
            raise Refused(f"{path} is there already - name a new file") from None
        return path

    def pack(self, to: IO[bytes]) -> None:
        """Write it to an open file, as `export` does."""
        with zipfile.ZipFile(to, "w", zipfile.ZIP_DEFLATED) as packed:
            for file in sorted(self.folder.rglob("*")):
                if file.is_file():
                    packed.write(file, file.relative_to(self.folder))

    def __repr__(self) -> str:
        batch = "" if self.error.batch is None else f" in batch {self.error.batch}"
        said = f"{self.error.kind}: {cut(self.error.message, 200)}"
        rows = self.without or number_of(self.sample.rows, "record")
        return f"Capsule({self.job} failed{batch} at {iso(self.error.at)}: {said}; {rows})"


def open_capsule(file: str | Path | IO[bytes], folder: str | Path | None = None) -> Capsule:
    """Open a file that `Capsule.export` wrote.

    Parameters
    ----------
    file
        Its path, or the file itself, open for reading.
    folder
        Where it is unpacked, empty or not there yet; default a folder that ends with the process.

    Raises
    ------
    Refused
        If it is no such file.
    """
    shown = file if isinstance(file, str | Path) else "the file"
    if folder is None:
        folder = tempfile.mkdtemp(prefix="capsule-")
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    target = Path(folder)
    if target.exists() and any(target.iterdir()):
        raise Refused(f"{target} is not empty - name a new folder")
    try:
        with zipfile.ZipFile(file) as packed:
            _check(str(shown), {entry.filename: entry.file_size for entry in packed.infolist()})
            packed.extractall(target)
    except (OSError, ValueError, zipfile.BadZipFile, EOFError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise Refused(f"{shown} is no capsule that could be opened: {error}") from error
    return Capsule(target)


def _check(shown: str, sizes: Mapping[str, int]) -> None:
    if ABOUT not in sizes:
        raise Refused(f"{shown} is no capsule: it has no {ABOUT}")
    if sum(sizes.values()) > _MOST:
        raise Refused(f"{shown} would unpack to more than {_MOST:,} bytes")
