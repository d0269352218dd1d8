"""Packages with entry points, put on the path as pip does."""

from __future__ import annotations

from pathlib import Path

__all__ = ["install"]


def install(folder: Path, package: str, module: str, entry_points: str) -> None:
    """Put a package with entry points there; its module gets a name nobody else uses."""
    info = folder / f"{package}-1.0.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {package}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(entry_points)
    (folder / f"{package}.py").write_text(module)
