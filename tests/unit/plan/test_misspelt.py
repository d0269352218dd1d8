"""What is said to do about a syntax error."""

from __future__ import annotations

import pytest

from streamops_nb.plan.misspelt import syntax_remedy

_MISSING = " is missing after `"
_WORD = "a word, comma or bracket is missing or too many after `"


@pytest.mark.parametrize(
    ("query", "at", "said"),
    [
        ("SELECT a FORM r WHERE b", "r", "is `FORM` meant to be FROM?"),
        ("SELECT 'é', a FORM r WHERE b", "r", "is `FORM` meant to be FROM?"),
        ("SELECT a FROM r WEHRE b > 1", "b >", "is `WEHRE` meant to be WHERE?"),
        ("SELEC a FROM r", "SELEC", "is `SELEC` meant to be SELECT?"),
        (
            "SELECT a FROM tumble(r, at, INTERVAL 1 HOUR)",
            ", INTERVAL",
            'AT is a word of SQL: if it is a column, write `"at"`',
        ),
        (
            "SELECT order FROM r",
            "order",
            'ORDER is a word of SQL: if it is a column, write `"order"`',
        ),
        (
            "SELECT a, order.customer.city FROM r",
            ".customer",
            'ORDER is a word of SQL: if it is a column, write `"order"`',
        ),
        (
            "SELECT count(*) FROM r GROUP",
            "GROUP",
            f"something{_MISSING}SELECT count(*) FROM r GROUP`",
        ),
        (
            "SELECT a FROM r WHERE (b > 1 GROUP BY a",
            "GROUP",
            f"{_WORD}SELECT a FROM r WHERE (b > 1`",
        ),
        ("SELECT a b c FROM r", "c", f"{_WORD}SELECT a b`"),
        ("hello world", "hello", "a job's query begins with SELECT or WITH"),
        ("SELECT 'FORM' AS x y z", "z", f"something{_MISSING}SELECT 'FORM' AS x y z`"),
    ],
)
def test_the_keyword_that_may_be_misspelt_is_named_else_the_place(
    query: str, at: str, said: str
) -> None:
    assert syntax_remedy(query, len(query[: query.rindex(at)].encode())) == said
