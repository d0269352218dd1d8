"""A seeded, vectorised Nexmark generator."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["Nexmark", "side_input"]

Ints = npt.NDArray[np.int64]

_PERSONS, _AUCTIONS, _EVENTS = 1, 3, 50
_FIRST_ID = 1_000
_FIRST_CATEGORY, _CATEGORIES = 10, 5
_HOT_EVERY = 100
_ACTIVE_PERSONS, _PERSONS_AHEAD = 1_000, 10
_OPEN_AUCTIONS = 100
_CHANNELS = 10_000
_HOT_CHANNELS = ("Google", "Facebook", "Baidu", "Apple")
_BEGINNING = datetime(2015, 7, 15, 7, 59, tzinfo=UTC)  # q14 tells the hours before and after 8
_FIRST = ("Peter", "Paul", "Luke", "John", "Saul", "Vicky", "Kate", "Julie", "Sarah", "Walter")
_LAST = ("Shultz", "Abrams", "Spencer", "White", "Bartels", "Walton", "Smith", "Jones", "Noris")
_CITIES = (
    ("Phoenix", "AZ"), ("Los Angeles", "CA"), ("San Francisco", "CA"), ("Boise", "ID"),
    ("Portland", "OR"), ("Bend", "OR"), ("Redmond", "WA"), ("Seattle", "WA"),
    ("Kent", "WA"), ("Cheyenne", "WY"),
)  # fmt: skip


class Nexmark:
    """The first `events` events, as three Arrow tables in order of arrival.

    Parameters
    ----------
    events
        How many events all together.
    rate
        Events per second of event time.
    disorder
        An event arrives up to so many seconds after it happened: the watermark delay that loses
        nothing.
    seed
        Another seed gives other events.

    Attributes
    ----------
    person, auction, bid : pyarrow.Table
        The streams.
    """

    def __init__(
        self, events: int, *, rate: float = 10_000, disorder: float = 4.0, seed: int = 1
    ) -> None:
        self._draw = np.random.default_rng([seed, events])
        number = np.arange(events, dtype=np.int64)
        times = _micros(_BEGINNING) + (number * (1_000_000 / rate)).astype(np.int64)
        place = number % _EVENTS
        self._disorder = disorder
        self.person = self._arrived(self._persons(number[place < _PERSONS], times))
        auctions = number[(place >= _PERSONS) & (place < _PERSONS + _AUCTIONS)]
        self.auction = self._arrived(self._auctions(auctions, times))
        self.bid = self._arrived(self._bids(number[place >= _PERSONS + _AUCTIONS], times))

    def streams(self) -> dict[str, pa.Table]:
        """Give the streams by name."""
        return {"person": self.person, "auction": self.auction, "bid": self.bid}

    # the three kinds of events

    def _persons(self, number: Ints, times: Ints) -> dict[str, Any]:
        n = len(number)
        first, last = self._choice(_FIRST, n), self._choice(_LAST, n)
        at = self._draw.integers(0, len(_CITIES), n)
        cities = np.array(_CITIES)[at] if n else np.empty((0, 2), dtype=str)
        card = self._draw.integers(0, 10_000, (4, n))
        return {
            "id": _last_person(number) + _FIRST_ID,
            "name": _joined(first, " ", last),
            "email_address": _joined(self._letters(n, 7), "@", self._letters(n, 5), ".com"),
            "credit_card": _joined(*_spaced(np.char.zfill(card.astype(str), 4))),
            "city": cities[:, 0],
            "state": cities[:, 1],
            "date_time": times[number],
            "extra": self._letters(n, 100),
        }

    def _auctions(self, number: Ints, times: Ints) -> dict[str, Any]:
        n = len(number)
        initial = self._prices(n)
        span = _OPEN_AUCTIONS * _EVENTS // _AUCTIONS
        horizon = times[np.minimum(number + span, len(times) - 1)] - times[number]
        expires = times[number] + 1 + (self._draw.random(n) * 2 * horizon).astype(np.int64)
        return {
            "id": _last_auction(number) + _FIRST_ID,
            "item_name": self._letters(n, 20),
            "description": self._letters(n, 100),
            "initial_bid": initial,
            "reserve": initial + self._prices(n),
            "date_time": times[number],
            "expires": _stamps(expires),
            "seller": self._somebody(number, hot=0),
            "category": _FIRST_CATEGORY + self._draw.integers(0, _CATEGORIES, n),
            "extra": self._letters(n, 100),
        }

    def _bids(self, number: Ints, times: Ints) -> dict[str, Any]:
        n = len(number)
        channel, url = self._channels(n)
        return {
            "auction": self._open_auction(number),
            "bidder": self._somebody(number, hot=1),
            "price": self._prices(n),
            "channel": channel,
            "url": url,
            "date_time": times[number],
            "extra": self._letters(n, 40),
        }

    # their fields

    def _open_auction(self, number: Ints) -> Ints:
        last = _last_auction(number)
        lowest = np.maximum(last - _OPEN_AUCTIONS, 0)
        cold = lowest + self._below(last - lowest + 1)
        hot = self._draw.integers(0, 2, len(number)) > 0
        return np.where(hot, last // _HOT_EVERY * _HOT_EVERY, cold) + _FIRST_ID

    def _somebody(self, number: Ints, hot: int) -> Ints:
        last = _last_person(number)
        active = np.minimum(last + 1, _ACTIVE_PERSONS)
        cold = last + 1 - active + self._below(active + _PERSONS_AHEAD)
        is_hot = self._draw.integers(0, 4, len(number)) > 0
        return np.where(is_hot, last // _HOT_EVERY * _HOT_EVERY + hot, cold) + _FIRST_ID

    def _channels(self, n: int) -> tuple[Any, Any]:
        """Channel and URL of a bid: half the bids come through four hot ones."""
        path = [self._letters(_CHANNELS, 5) for _ in range(3)]
        base = _joined("https://www.nexmark.com/", *_between(path, "/"), "/item.htm?query=1")
        ids = self._draw.integers(0, 2**31, _CHANNELS).astype(str)
        numbers = np.arange(_CHANNELS).astype(str)
        names = np.concatenate([_HOT_CHANNELS, _joined("channel-", numbers)])
        # nine in ten of the cold channels carry their number in the URL
        tagged = np.where(
            self._draw.random(_CHANNELS) < 0.9, _joined(base, "&channel_id=", ids), base
        )
        urls = np.concatenate([base[: len(_HOT_CHANNELS)], tagged])
        hot = self._draw.integers(0, 2, n) > 0
        cold_at = len(_HOT_CHANNELS) + self._draw.integers(0, _CHANNELS, n)
        at = np.where(hot, self._draw.integers(0, len(_HOT_CHANNELS), n), cold_at)
        return pa.array(names).take(pa.array(at)), pa.array(urls).take(pa.array(at))

    def _prices(self, n: int) -> Ints:
        return np.rint(10 ** (self._draw.random(n) * 6) * 100).astype(np.int64)

    def _below(self, bounds: Ints) -> Ints:
        return (self._draw.random(len(bounds)) * bounds).astype(np.int64)

    def _choice(self, words: tuple[str, ...], n: int) -> Any:
        return np.array(words)[self._draw.integers(0, len(words), n)]

    def _letters(self, n: int, length: int) -> Any:
        """Words of `length` letters, give or take a fifth."""
        longest = length + length // 5
        letters = self._draw.integers(97, 123, (n, longest), dtype=np.uint8)
        lengths = self._draw.integers(length - length // 5, longest + 1, (n, 1))
        # a trailing NUL is not part of a numpy string
        letters[np.arange(longest) >= lengths] = 0
        return letters.view(f"S{longest}")[:, 0].astype(f"U{longest}")

    def _arrived(self, columns: dict[str, Any]) -> pa.Table:
        """Put the events in order of arrival."""
        times = columns["date_time"]
        late = self._draw.random(len(times)) * self._disorder * 1_000_000
        order = np.argsort(times + late.astype(np.int64), kind="stable")
        table = pa.table({**columns, "date_time": _stamps(times)})
        return table.take(pa.array(order))


def side_input(rows: int = 10_000) -> pa.Table:
    """Make the bounded side input of q13: a key and a word for it."""
    keys = np.arange(rows)
    return pa.table({"key": keys, "value": _joined("value-", keys.astype(str))})


def _last_person(number: Ints) -> Ints:
    """The newest person (counted from 0) when event `number` happens."""
    epoch: Ints = number // _EVENTS
    return epoch


def _last_auction(number: Ints) -> Ints:
    """The newest auction (counted from 0); before the first there is already number 0."""
    epoch, place = np.divmod(number, _EVENTS)
    seen = np.clip(place - _PERSONS, -1, _AUCTIONS - 1)
    last: Ints = np.maximum(epoch * _AUCTIONS + seen, 0)
    return last


def _micros(moment: datetime) -> int:
    return int(moment.timestamp()) * 1_000_000


def _stamps(us: Ints) -> pa.Array:
    return pa.array(us).cast(pa.timestamp("us", tz="UTC"))


def _joined(*parts: Any) -> Any:
    whole = parts[0]
    for part in parts[1:]:
        whole = np.char.add(whole, part)
    return whole


def _between(parts: list[Any], sign: str) -> list[Any]:
    return [piece for part in parts for piece in (part, sign)][:-1]


def _spaced(parts: Any) -> list[Any]:
    return _between(list(parts), " ")
