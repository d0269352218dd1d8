"""What a preview looks like: HTML that needs nobody, text for a terminal; data stay data."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path

import pyarrow as pa
import pytest
from IPython.lib.pretty import pretty

from streamops_nb.ops.preview import following, page
from streamops_nb.ops.preview.cells import cell_text
from streamops_nb.ops.preview.page import Caps, rows_html
from streamops_nb.ops.preview.preview import Preview
from streamops_nb.ops.workspace import Workspace
from tests.ops.operated import opened

FIELDS = {"ts": "TIMESTAMPTZ", "device": "VARCHAR", "temp": "DOUBLE"}
EVIL = "<script>alert('x')</script><img src=x onerror=alert(1)>"
ALLOWED = {
    "form", "style", "div", "span", "b", "p", "label", "input", "small", "h4", "table", "thead",
    "tbody", "tr", "th", "td", "details", "summary", "ol", "li", "code",
}  # fmt: skip


@pytest.fixture
def plant(tmp_path: Path) -> Iterator[Workspace]:
    with opened(tmp_path / "plant") as workspace:
        yield workspace


def previewed(plant: Workspace, query: str, *lines: str, **how: object) -> Preview:
    """Preview a query over records of a file, one a line."""
    folder = plant.folder / "files"
    folder.mkdir(exist_ok=True)
    (folder / "readings.jsonl").write_text("".join(f"{line}\n" for line in lines))
    stream = {
        "source": {"type": "files", "path": "files/*.jsonl"},
        "schema": FIELDS,
        "event_time": "ts",
        "watermark_delay": "2s",
    }
    more = {"params": {"threshold": 30.0}} if "$threshold" in query else {}
    spec = {"name": "hot", "streams": {"readings": stream}, "query": query, **more}
    return plant.preview(spec, **how)


def record(second: int, device: str = "d1", temp: object = 31.0) -> str:
    ts = f"2024-01-01T00:{second // 60:02}:{second % 60:02}Z"
    return json.dumps({"ts": ts, "device": device, "temp": temp})


class Tags(HTMLParser):
    """Collects tags, attributes and text; fails on what does not nest."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.texts: list[str] = []
        self.open: list[str] = []
        self.feed(text)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag != "input":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.texts.append(data)


def notes_of(preview: Preview) -> list[str]:
    found = re.findall(r'<p class="so-note[^>]*>(.*?)</p>', preview._repr_html_())
    return [note.replace("&#x27;", "'").replace("&quot;", '"') for note in found]


WINDOWS = """
WITH hot AS (SELECT ts, device, temp * 2 AS double FROM readings WHERE temp > $threshold)
SELECT window_start, window_end, device, count(*) AS n
FROM tumble(hot, ts, INTERVAL 10 SECONDS) GROUP BY ALL"""


def test_every_stage_is_a_tab_with_its_counts_and_the_output_is_open(plant: Workspace) -> None:
    preview = previewed(plant, WINDOWS, record(1), record(2, temp=20.0), "broken", record(25))
    tags = Tags(preview._repr_html_())
    labels = re.findall(r'name="tab"( checked)?>(.*?)<small>(.*?)</small>', preview._repr_html_())
    assert labels == [
        ("", "hot", "3 in, 2 out, 1 dropped"),
        (" checked", "result", "2 in, 2 out"),
        ("", "1 reject", "with reasons"),
        ("", "receipt", "what was read"),
    ]
    classes = {(t, a["class"]) for t, a in tags.tags if a.get("class")}
    assert {("th", "so-new"), ("th", "so-gone"), ("td", "so-number")} <= classes
    assert {"ts", "TIMESTAMPTZ", "2024-01-01 00:00:01Z", "31", "complete"} <= set(tags.texts)


def test_what_a_stage_dropped_and_what_rows_were_made_of_is_read_without_a_kernel(
    plant: Workspace,
) -> None:
    preview = previewed(plant, WINDOWS, record(1), record(2, temp=20.0), record(3), record(25))
    told = re.findall(r"<summary>(.*?)</summary>", preview._repr_html_())
    assert told == [
        "1 of 4 rows of readings dropped - WHERE temp &gt; $threshold (query 2:72): 1",
        "Why: what its first 3 rows were made of",
        "Why: what its first 2 rows were made of",
    ]
    made = re.findall(r"<li>(.*?)</li>", preview._repr_html_())
    size = len(record(1)) + 1
    assert made[3:] == [
        f"hot: 2 rows; readings: 2 records (partition readings.jsonl: offsets 0, {2 * size})",
        f"hot: 1 row; readings: 1 record (partition readings.jsonl: offsets {3 * size})",
    ]
    dropped = re.findall(r'<td class="so-number">(\d+)</td><td>(.*?)</td>', preview._repr_html_())
    assert (str(size), "2024-01-01 00:00:02Z") in dropped


def test_where_rows_were_not_followed_that_is_said_and_how_to_ask(
    plant: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = "SELECT window_end, r::VARCHAR AS v FROM tumble(readings, ts, INTERVAL 1 HOUR) AS r"
    opaque = previewed(plant, whole, record(1))
    said = "Its rows cannot be followed, so it is not known which it dropped."
    assert said in opaque._repr_html_()
    monkeypatch.setattr(following, "_LARGEST", 1)
    large = previewed(plant, WINDOWS, record(1), record(2))
    assert "not looked at, of more than 1 records. Ask: <code>p.why(0, " in large._repr_html_()


def test_the_page_of_a_preview_whose_workspace_is_closed_is_still_there(tmp_path: Path) -> None:
    with opened(tmp_path / "other") as workspace:
        preview = previewed(workspace, WINDOWS, record(1))
    assert "what rows were made of: not known: following the rows needs" in preview._repr_html_()


def test_the_page_holds_no_script_no_address_and_no_tag_but_its_own(plant: Workspace) -> None:
    evil = f"SELECT ts, device, '{EVIL.replace(chr(39), '')}' AS \"{EVIL}\" FROM readings"
    preview = previewed(plant, evil, record(1, device=EVIL), f'"{EVIL}"')
    tags = Tags(preview._repr_html_())
    assert {tag for tag, _ in tags.tags} <= ALLOWED
    assert {name for _, attrs in tags.tags for name in attrs} == {
        "class", "method", "type", "name", "checked", "start", "tabindex",
    }  # fmt: skip
    assert EVIL in tags.texts
    assert not re.search(r"https?://|@import|url\(|javascript:", preview._repr_html_())


def test_control_characters_are_shown_and_long_cells_cut() -> None:
    assert cell_text("\x1b[31mred\nnext\u202e", 80) == "\\x1b[31mred\\nnext\\u202e"
    assert cell_text("x" * 1_000_000, 10) == "xxxxxxxxx…"
    assert cell_text(["a" * 50] * 1_000_000, 10) == "[aaaaaaaa…"
    assert cell_text(b"\xff\x00", 10) == "�\\x00"
    assert cell_text(None, 10) == "NULL"
    assert cell_text({"a": [1, None]}, 40) == "{a: [1, NULL]}"


def test_what_is_told_of_a_row_is_not_obeyed_by_a_terminal(plant: Workspace) -> None:
    evil = "\x1b[2Jd1"
    preview = previewed(plant, WINDOWS, record(1, evil), record(2, evil, temp=1.0))
    told = [
        preview.why({"device": evil}),
        preview.why_not(device=evil, temp=1.0),
        preview.diff(preview),
    ]
    assert "\\x1b[2Jd1" in repr(told)
    assert "\x1b" not in "".join(map(repr, told))


def test_what_pythons_calendar_does_not_reach_is_shown(plant: Workspace) -> None:
    query = "SELECT ts, 'infinity'::TIMESTAMPTZ AS never, '290000-01-01'::DATE AS far FROM readings"
    preview = previewed(plant, query, record(1))
    assert "result  1 in, 1 out" in pretty(preview)
    assert Tags(preview._repr_html_())


def test_what_is_not_shown_is_counted() -> None:
    table = pa.table({f"c{i}": list(range(30)) for i in range(40)})
    text = rows_html(table, Caps(rows=20, columns=24))
    assert text.count("<tr>") == 1 + 20
    assert text.count("<th>") == 24
    assert "10 more rows, 16 more columns" in text


def test_a_page_stays_small_however_wide_the_rows_are(plant: Workspace) -> None:
    wide = ", ".join(f"rpad(device, 3000, '&') AS c{i}" for i in range(60))
    stages = ", ".join(f"s{i} AS (SELECT ts, device, {wide} FROM readings)" for i in range(45))
    preview = previewed(plant, f"WITH {stages} SELECT ts FROM s0", *(record(i) for i in range(20)))
    text = preview._repr_html_()
    assert len(text) < page._LARGEST
    assert "6 more stages" in text
    assert Tags(text)


def test_two_previews_on_a_page_do_not_switch_each_other(plant: Workspace) -> None:
    # radio buttons of one name belong together within a form, and there is a form for each
    text = previewed(plant, WINDOWS, record(1))._repr_html_()
    assert text.startswith('<form class="so-preview" method="dialog">')
    assert not re.search(r'\bid="', text)


def test_no_rows_always_have_a_reason(plant: Workspace) -> None:
    dropped = previewed(plant, WINDOWS, record(1, temp=1.0), record(2, temp=2.0))
    assert notes_of(dropped)[0] == (
        "No rows came out of result: nothing came into it; hot: none of its 2 rows passed its "
        "conditions"
    )
    broken = previewed(plant, WINDOWS, "broken", "{}{")
    assert notes_of(broken)[0] == (
        "No rows came out of result: nothing came into it; hot: nothing came into it; "
        "readings: all 2 records are rejects, the first one: not JSON: broken"
    )
    failing = "SELECT ts, CAST(device AS INTEGER) AS n FROM readings"
    assert notes_of(previewed(plant, failing, record(1)))[0].startswith(
        "No rows came out of result: it failed on all of its 1 row: Conversion Error: Could not "
        "convert string 'd1' to INT32"
    )
    empty = previewed(plant, WINDOWS)
    assert notes_of(empty)[0] == (
        "No rows came out of result: nothing came into it; hot: nothing came into it; "
        "readings: the sample holds nothing of readings - nothing was there when it was drawn"
    )


def test_a_side_of_a_join_that_is_empty_is_named(plant: Workspace) -> None:
    query = """
    WITH a AS (SELECT window_start, window_end, device
               FROM tumble(readings, ts, INTERVAL 10 SECONDS) GROUP BY ALL),
    none AS (SELECT ts, device FROM readings WHERE temp > 99),
    b AS (SELECT window_start, window_end, device FROM tumble(none, ts, INTERVAL 10 SECONDS)
          GROUP BY ALL)
    SELECT a.window_start, a.window_end, a.device FROM a JOIN b
    ON a.window_start = b.window_start AND a.window_end = b.window_end"""
    (note,) = notes_of(previewed(plant, query, record(1)))[:1]
    assert note == (
        "No rows came out of result: b, which it joins, has no rows: nothing came into it; none: "
        "none of its 1 row passed its conditions"
    )


def test_windows_that_the_job_would_not_write_yet_are_counted_with_the_watermark(
    plant: Workspace,
) -> None:
    query = "SELECT window_start, device FROM tumble(r, ts, INTERVAL 10 SECONDS) GROUP BY ALL"
    stream = {
        "source": {"type": "table", "stream": "log"},
        "schema": FIELDS,
        "event_time": "ts",
        "watermark_delay": "2s",
        "max_ahead": None,
    }
    rows = [json.loads(record(second)) for second in (1, 11, 13)]
    plant.stream("log").append(rows, FIELDS)
    preview = plant.preview({"name": "hot", "streams": {"r": stream}, "query": query})
    (note,) = notes_of(preview)
    assert note == (
        "1 of 2 rows are early: their windows are still open at the sample's end (r's watermark is "
        "2024-01-01 00:00:11Z)"
    )


def test_a_fault_is_told_with_its_place_beside_the_stages_that_work(plant: Workspace) -> None:
    query = "WITH hot AS (SELECT ts, temp FROM readings) SELECT nope FROM hot"
    preview = previewed(plant, query, record(1))
    assert notes_of(preview)[0].startswith('query 1:52: Referenced column "nope" not found')
    assert "31" in Tags(preview._repr_html_()).texts
    assert 'fault: query 1:52: Referenced column "nope"' in repr(preview)


def test_in_a_terminal_it_is_text_with_the_first_rows(plant: Workspace) -> None:
    query = "SELECT device, temp FROM readings WHERE temp > $threshold"
    evil = "\x1b[2Jd1"
    preview = previewed(
        plant, query, *(record(i, evil, 30.5 + i) for i in range(12)), record(13, temp=1)
    )
    assert pretty(preview).splitlines() == [
        "Preview of hot - latest 1,000 rows: readings 13 · threshold = 30.0",
        "  result  13 in, 12 out, 1 dropped",
        "",
        "device     temp",
        *(f"\\x1b[2Jd1  {30.5 + i:g}" for i in range(10)),
        "2 more rows",
    ]
    assert repr(preview) == "\n".join(pretty(preview).splitlines()[:2])
