"""Specifications of jobs: saved as versions, viewed, compared, exported and imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from streamops_nb.model.errors import Fault, Refused, SpecRefused, StreamopsError
from streamops_nb.model.events import JobSaved
from streamops_nb.model.lifecycle import ACTIVE
from streamops_nb.model.spec import JobSpec
from streamops_nb.ops.bundles import Format, as_json, read_bundle, write_bundle
from streamops_nb.ops.core import Core, Names, user
from streamops_nb.ops.difference import Difference
from streamops_nb.ops.fitting import Fit, agree, fit_of
from streamops_nb.plan import plugged, specfile

if TYPE_CHECKING:
    import pandas as pd

    from streamops_nb.ops.job import Job

__all__ = ["Configuring", "read_specs"]

Spec = JobSpec | str | Path | Mapping[str, Any]


class Configuring:
    """What a `streamops_nb.ops.workspace.Workspace` does with specifications."""

    _core: Core

    if TYPE_CHECKING:

        def job(self, name: str) -> Job: ...  # noqa: D102 - of the workspace

    def save(
        self,
        spec: Spec,
        *,
        author: str | None = None,
        comment: str = "",
        drop_state: bool = False,
    ) -> Job:
        """Save a job as a new version; nothing starts, and what runs goes on as it is.

        A specification that equals the newest version makes no other. The query need not be
        finished: a preview shows how far it gets, a start refuses it.

        Parameters
        ----------
        spec
            A `JobSpec`, the path of a YAML file, YAML text, or a mapping.
        author, comment
            Kept with the version.
        drop_state
            Agree that window state kept for a paused or failed job is dropped where it does not
            fit the new query.

        Raises
        ------
        SpecRefused
            With every fault found; nothing is saved then.
        Refused
            If kept window state does not fit the new query; nothing is saved then.
        """
        checked = specfile.check(spec) if isinstance(spec, JobSpec) else specfile.load(spec)
        if self._is_newest(checked) and not drop_state:
            return self.job(checked.name)
        self._check_state([checked], drop_state=drop_state)
        return self._save(checked, author, comment, drop_state=drop_state)

    def _is_newest(self, spec: JobSpec) -> bool:
        if spec.name not in self._core.states:
            return False
        try:
            return self._core.spec(spec.name) == spec
        except StreamopsError:  # what another version of streamops_nb saved is to be mended so
            return False

    def _check_state(self, specs: Iterable[JobSpec], *, drop_state: bool) -> None:
        """See that the state kept for jobs fits their new queries, or that it may be dropped."""
        fits = [fit_of(self._core, spec) for spec in specs if spec.name in self._core.states]
        if not drop_state and not all(fits):
            raise Refused(
                Fault(what=str(fit), remedy="agree with drop_state=True, or start the job first")
                for fit in fits
                if not fit
            )

    def _save(
        self, spec: JobSpec, author: str | None, comment: str, *, drop_state: bool = False
    ) -> Job:
        if drop_state and spec.name in self._core.states:
            agree(self._core, spec.name)
        who, now = author or user(), self._core.now()
        version = self._core.catalog.save_job(
            specfile.dump(spec),
            spec.name,
            who,
            comment,
            now,
            owner=spec.owner,
            tags=spec.tags,
            cu=spec.resources.cu,
        )
        saved = JobSaved(
            job=spec.name,
            at=now,
            version=version,
            author=who,
            comment=comment,
            drop_state=drop_state,
        )
        self._core.states.note(saved)
        return self.job(spec.name)

    def spec(self, name: str, version: int | None = None) -> JobSpec:
        """Give a job's specification, the newest version by default."""
        return self._core.spec(self._core.known(name), version)

    def config(
        self,
        name: str,
        version: int | None = None,
        *,
        format: Format = "yaml",  # noqa: A002 - the word that users know
        defaults: bool = True,
    ) -> str:
        """Give a job's configuration as text that `save` reads back equal.

        Parameters
        ----------
        version
            Default the newest.
        format
            ``yaml`` or ``json``.
        defaults
            Whether settings that were left at their defaults are written out, those of sources,
            formats and sinks included. References to secrets stay as they are.
        """
        spec = self.spec(name, version)
        if defaults:
            spec = plugged.with_defaults(spec)
        if format == "yaml":
            return specfile.dump(spec, defaults)
        if format == "json":
            return as_json(spec.model_dump(mode="json", exclude_defaults=not defaults))
        raise Refused(f"a configuration is written as yaml or json, not as {format!r}")

    # versions

    def versions(self, name: str) -> pd.DataFrame:
        """Give a job's versions: number, author, time, comment, and whether it runs now."""
        import pandas as pd

        found = self._core.catalog.versions(self._core.known(name))
        record = self._core.catalog.job(name)
        runs = record.ran if record.state.observed in ACTIVE else 0
        return pd.DataFrame(
            {
                "version": [v.version for v in found],
                "author": [v.author for v in found],
                "at": pd.to_datetime(pd.Series([v.at for v in found]), unit="s", utc=True),
                "comment": [v.comment for v in found],
                "running": [v.version == runs for v in found],
            }
        )

    def diff(self, name: str, before: int | None = None, after: int | None = None) -> Difference:
        """Compare two versions of a job side by side.

        Parameters
        ----------
        before, after
            Default the newest version, and the one that runs or the one before.
        """
        record = self._core.catalog.job(self._core.known(name))
        newest = record.version if after is None else after
        if before is None:
            runs = record.ran if record.state.observed in ACTIVE and after is None else 0
            before = runs if 0 < runs < newest else max(1, newest - 1)
        return Difference(
            job=name,
            before=before,
            after=newest,
            old=self.spec(name, before),
            new=self.spec(name, newest),
        )

    def roll_back(
        self, name: str, version: int, *, comment: str = "", drop_state: bool = False
    ) -> Job:
        """Save an earlier version of a job as its newest."""
        spec = self.spec(name, version)
        self._check_state([spec], drop_state=drop_state)
        said = comment or f"rolled back to version {version}"
        return self._save(spec, None, said, drop_state=drop_state)

    def fits(self, name: str, spec: Spec | None = None) -> Fit:
        """Say whether the window state kept for a job fits a specification, default the newest."""
        self._core.known(name)
        if spec is None:
            return fit_of(self._core, self.spec(name))
        checked = specfile.check(spec) if isinstance(spec, JobSpec) else specfile.load(spec)
        return fit_of(self._core, checked)

    # files

    def export(
        self,
        names: Names = None,
        to: str | Path | None = None,
        *,
        tags: str | Collection[str] = (),
        format: Format = "yaml",  # noqa: A002 - the word that users know
    ) -> str | bytes | Path:
        """Export the newest configuration of jobs: no run state, no secrets, only what was written.

        Parameters
        ----------
        names, tags
            Which jobs. One asked for by its name is exported as text, others as a ZIP.
        to
            The file to write; None gives the text, or the bytes of the ZIP.
        """
        found = self._core.select(names, tags=tags)
        texts = {name: self.config(name, format=format, defaults=False) for name in found}
        if isinstance(names, str):
            content: str | bytes = texts[names]
        else:
            if not texts:
                raise Refused("no job is selected - nothing to export")
            content = write_bundle(texts, format)
        if to is None:
            return content
        path = Path(to)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def import_(
        self,
        what: str | bytes | Path,
        *,
        same_name: Literal["version", "refuse"] = "version",
        comment: str = "",
        drop_state: bool = False,
    ) -> list[Job]:
        """Import configurations: all or none.

        Parameters
        ----------
        what
            A YAML or JSON file or its text, or a ZIP of them, as a path or as bytes.
        same_name
            A job that is there already gets a new ``version`` if it differs, or is refused.

        Raises
        ------
        Refused
            With every fault found, of every file; nothing is saved then.
        """
        if same_name not in ("version", "refuse"):
            raise Refused(f"same_name is `version` or `refuse`, not {same_name!r}")
        specs = read_specs(what)
        there = [spec.name for spec in specs if spec.name in self._core.states]
        if there and same_name == "refuse":
            raise Refused(Fault(what="there is a job of that name", where=name) for name in there)
        changed = [spec for spec in specs if not self._is_newest(spec)]
        self._check_state(changed, drop_state=drop_state)
        for spec in changed:
            self._save(spec, None, comment or "imported", drop_state=drop_state)
        return [self.job(spec.name) for spec in specs]


def read_specs(what: str | bytes | Path) -> list[JobSpec]:
    """Read and check everything of an import; `Refused` with every fault."""
    if not isinstance(what, bytes) and _zip_path(what) is None:
        return [specfile.load(what)]
    texts = read_bundle(what if isinstance(what, bytes) else Path(what))
    specs: dict[str, JobSpec] = {}
    faults = []
    for file, text in texts.items():
        try:
            spec = specfile.load(text if "\n" in text else text + "\n")
        except SpecRefused as refusal:
            faults += [
                Fault(what=f.what, where=f"{file} {f.where}".strip(), remedy=f.remedy)
                for f in refusal.faults
            ]
            continue
        if spec.name in specs:
            faults.append(Fault(what=f"the job {spec.name} is there twice", where=file))
        specs[spec.name] = spec
    if faults:
        raise Refused(faults)
    return list(specs.values())


def _zip_path(what: str | Path) -> Path | None:
    text = str(what)[:5000]
    return Path(text) if "\n" not in text and text.strip().lower().endswith(".zip") else None
