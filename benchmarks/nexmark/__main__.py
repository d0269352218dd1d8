"""Write the Nexmark streams as files: ``python -m benchmarks.nexmark FOLDER``."""

from __future__ import annotations

import argparse
from pathlib import Path

from benchmarks.nexmark.files import write_files
from benchmarks.nexmark.generator import Nexmark


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.nexmark", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--events", type=int, default=1_000_000)
    parser.add_argument("--rate", type=float, default=10_000, help="events per event-time second")
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    events = Nexmark(given.events, rate=given.rate, seed=given.seed)
    write_files(given.folder, events)
    for name, table in events.streams().items():
        print(f"{given.folder / name}.jsonl: {table.num_rows:,} events")


if __name__ == "__main__":
    main()
