"""CU are booked exactly, and a refusal says what is needed, free, and held by whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streamops_nb.model.booking import Booking, cu_text


def test_ten_jobs_of_a_tenth_fit_in_one_cu() -> None:
    booking = Booking(allocated=1.0)
    for number in range(10):
        assert booking.fits(0.1)
        booking = booking.with_job(f"job{number}", 0.1)
    assert not booking.fits(0.01)
    assert booking.free == pytest.approx(0)


def test_what_is_free_is_divided_in_proportion() -> None:
    booking = Booking(allocated=8.0, held={"a": 1.0, "b": 3.0})
    assert booking.shares() == {"a": 2.0, "b": 6.0}
    assert booking.without_job("b").shares() == {"a": 8.0}
    assert Booking(allocated=8.0).shares() == {}


def test_a_shortage_names_what_is_needed_free_and_held() -> None:
    held = {"small": 0.5, "large": 2.0, **{f"other{n}": 0.1 for n in range(5)}}
    text = Booking(allocated=3.5, held=held).shortage(1.25)
    assert text == (
        "1.25 CU are needed and 0.5 of 3.5 are free (held by large 2, small 0.5, other0 0.1,"
        " other1 0.1, other2 0.1 and 2 more) - pause or stop a job, or request more"
    )
    assert Booking().shortage(0.1) == (
        "no computing resources are allocated to this workspace - request them first:"
        " ws.resources.request(cu=1), `streamops resources WORKSPACE request 1`"
        " or Request… on the page"
    )


@given(st.lists(st.floats(0.01, 8), max_size=20), st.floats(0.1, 16))
def test_starting_what_fits_never_books_over(wanted: list[float], allocated: float) -> None:
    booking = Booking(allocated=allocated)
    for number, cu in enumerate(wanted):
        if booking.fits(cu):
            booking = booking.with_job(str(number), cu)
    assert booking.reserved <= allocated + 1e-8
    assert sum(booking.shares().values()) == pytest.approx(allocated if booking.held else 0)


@pytest.mark.parametrize(("cu", "text"), [(2.0, "2"), (0.1, "0.1"), (0.30000000000000004, "0.3")])
def test_cu_are_written_as_people_do(cu: float, text: str) -> None:
    assert cu_text(cu) == text
