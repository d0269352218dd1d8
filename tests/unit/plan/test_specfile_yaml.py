"""YAML is read as data and nothing else, within bounds."""

from __future__ import annotations

import pytest

from streamops_nb.model.errors import SpecRefused
from streamops_nb.plan.yaml_text import read_yaml

LAUGHS = "a0: &a0 [ha, ha, ha, ha, ha, ha, ha, ha, ha, ha]\n" + "".join(
    f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 10)
)


def refusal_of(text: str) -> str:
    with pytest.raises(SpecRefused) as refusal:
        read_yaml(text)
    return str(refusal.value)


def test_scalars_are_what_yaml_1_2_says_and_dates_stay_text() -> None:
    text = (
        "{a: 1, b: 1.5, c: true, d: null, e: ~, f: yes, g: no, h: 2024-01-01, i: 12:30, j: '1', "
        "k: 0x1F, l: 1e3, m: 2024-01-31T08:30:00Z, n: !!str 5, o: !!int '7'}"
    )
    assert read_yaml(text).data == {
        "a": 1, "b": 1.5, "c": True, "d": None, "e": None, "f": "yes", "g": "no",
        "h": "2024-01-01", "i": "12:30", "j": "1", "k": 31, "l": 1000.0,
        "m": "2024-01-31T08:30:00Z", "n": "5", "o": 7,
    }  # fmt: skip


def test_a_key_is_the_text_that_was_written() -> None:
    text = "{0: a, null: b, true: c, 1.50: d, 2024-01-01: e}"
    assert list(read_yaml(text).data) == ["0", "null", "true", "1.50", "2024-01-01"]


def test_every_setting_has_its_place() -> None:
    document = read_yaml("a:\n  b.c: [1, {d: 2}]\n")
    assert document.places == {
        "a": (1, 1),
        'a["b.c"]': (2, 3),
        'a["b.c"][0]': (2, 9),
        'a["b.c"][1]': (2, 12),
        'a["b.c"][1].d': (2, 13),
    }


def test_aliases_repeat_a_value() -> None:
    assert read_yaml("a: &x {b: 1}\nc: *x\n").data == {"a": {"b": 1}, "c": {"b": 1}}


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a: 1\nb: 2\na: 3\n", "a (line 3:1): `a` is written twice - keep one of them"),
        (
            "a: !!python/object/apply:os.system ['true']\n",
            (
                "a (line 1:4): the tag !!python/object/apply:os.system is not read "
                "- write plain text, numbers, lists and groups"
            ),
        ),
        (
            "a:\n- !secret x\n",
            (
                "a[0] (line 2:3): the tag !secret is not read "
                "- write plain text, numbers, lists and groups"
            ),
        ),
        (
            "a: {<<: {b: 1}}\n",
            (
                "a (line 1:5): merge keys are not read "
                "- use an alias for a whole value: `format: *name`"
            ),
        ),
        (
            "{[a]: 1}\n",
            "line 1:2: a list or group cannot be the name of a setting - write `name: value`",
        ),
        (
            "a: !!int x\n",
            'a (line 1:4): "x" cannot be read as int - put text in quotes',
        ),
    ],
)
def test_what_is_no_data_is_a_fault_with_its_place(text: str, fault: str) -> None:
    assert [str(found) for found in read_yaml(text).faults] == [fault]


def test_the_first_of_two_equal_keys_is_kept() -> None:
    assert read_yaml("a: 1\na: 2\n").data == {"a": 1}


def test_an_endless_number_is_a_fault() -> None:
    (fault,) = read_yaml("a: " + "9" * 5000).faults
    assert "cannot be read as int" in fault.what
    assert len(fault.what) < 100


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("a: [1,\nb: 2", "line 2:5: this is not YAML: expected ',' or ']'"),
        ("a: 1\n\tb: 2", "line 2:1: this is not YAML: found character '\\t'"),
        ("a: 'x", "line 1:6: this is not YAML: found unexpected end of stream"),
        ("a: *nope", "line 1:4: this is not YAML: found undefined alias"),
        ("a: \x00", "this is not YAML: unacceptable character #x0000"),
        ("a: 1\n---\nb: 2", "line 2:1: a second document begins - write one job per file"),
        ("&a [*a]", "line 1:1: an alias leads into itself"),
        ("[" * 10_000, "line 1:41: nested deeper than 40 levels"),
        ("- " * 10_000 + "a", "line 1:81: nested deeper than 40 levels"),
        (LAUGHS, "a specification of more than 50000 values is too long"),
        ("a" * 1_000_001, "a specification of 1000001 characters is too long"),
    ],
)
def test_what_cannot_be_read_is_refused_with_its_place(text: str, expected: str) -> None:
    assert refusal_of(text).startswith(expected)


def test_a_syntax_fault_does_not_quote_the_line() -> None:
    assert "geheim" not in refusal_of("password: geheim\n  other: [")
