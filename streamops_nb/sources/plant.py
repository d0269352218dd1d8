"""The records of a simulated plant: record k is a function of the seed and k, and of nothing else.

Everything is integer arithmetic on hashes and tables, because floating-point functions may round
differently from one position in an array to another, and a span that is read twice must give the
same bytes. Records have a fixed width (numbers are padded with spaces, which JSON allows), so that
100,000 of them are made in about 30 ms without a Python object per record.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pyarrow as pa

__all__ = ["FIELDS", "Plant"]

FIELDS = {
    "ts": "TIMESTAMPTZ",
    "device": "VARCHAR",
    "line": "VARCHAR",
    "temp": "DOUBLE",
    "vibration": "DOUBLE",
    "energy": "DOUBLE",
    "status": "VARCHAR",
}
"""The schema of the records: °C, mm/s, kWh (a meter that only grows), ``ok | warn | fault``."""

Ints = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]
Bytes = npt.NDArray[np.bytes_]

SECOND = 1_000_000
DAY = 86_400 * SECOND
_SLOT = 600 * SECOND
_SILENCE = 120 * SECOND
_DELAY = 300 * SECOND
_DRIFT = 1_800 * SECOND
_ONE = 1 << 24
_GOLDEN = 0x9E3779B97F4A7C15


def _digits(width: int, fill: str) -> Bytes:
    return np.array([str(i).rjust(width, fill) for i in range(10**width)], dtype=f"S{width}")


def _mix(first: Ints, *parts: Ints | int) -> Hashes:
    """Hash integers, element by element (the finaliser of splitmix64)."""
    total = np.zeros(len(first), dtype=np.uint64)
    for part in (first, *parts):
        if isinstance(part, int):
            total += np.uint64((part + _GOLDEN) % 2**64)
        else:
            total += part.view(np.uint64)
            total += np.uint64(_GOLDEN)
        total ^= total >> np.uint64(30)
        total *= np.uint64(0xBF58476D1CE4E5B9)
        total ^= total >> np.uint64(27)
        total *= np.uint64(0x94D049BB133111EB)
        total ^= total >> np.uint64(31)
    return total


def _low(hashes: Hashes, bound: int) -> Ints:
    return (hashes % np.uint64(bound)).astype(np.int64)


def _chosen(hashes: Hashes, share: float) -> npt.NDArray[np.bool_]:
    """Choose a share of the hashes by their upper bits."""
    return (hashes >> np.uint64(40)) < np.uint64(round(share * _ONE))


class Plant:
    """Devices with temperature, vibration, an energy meter and a status, reporting in turn.

    Parameters
    ----------
    seed
        Another seed gives another plant.
    devices, partitions
        Device d reports in partition d modulo `partitions`.
    late, silent, broken
        Share of the time during which a device sends late (2 to 256 seconds behind) or not at
        all (its neighbour reports in its place), and share of the records that do not decode.
    """

    def __init__(
        self,
        *,
        seed: int,
        devices: int,
        partitions: int,
        late: float,
        silent: float,
        broken: float,
    ) -> None:
        self._seed = seed
        self._late, self._silent, self._broken = late, silent, broken
        self._per_partition = [len(range(p, devices, partitions)) for p in range(partitions)]
        self._partitions = partitions
        number = np.arange(devices, dtype=np.int64)
        draw = [_mix(number, seed, salt) for salt in range(8)]
        self._temp = 2_500 + _low(draw[0], 4_000)
        self._swing = 100 + _low(draw[1], 400)
        self._vibration = 300 + _low(draw[2], 600)
        self._power = 200 + _low(draw[3], 2_800)
        self._meter = 1_000_000 + _low(draw[4], 9_000_000)
        self._shift = _low(draw[5], 144) * _SLOT
        width = max(3, len(str(devices)))
        lines = "ABCDEFGH"
        self._name = np.array(
            [f'd{d + 1:0{width}d}","line":"{lines[d % len(lines)]}' for d in range(devices)],
            dtype=f"S{width + 12}",
        )
        self._tables()
        self._template = self._lay_out()
        self.width = len(self._template)

    def _tables(self) -> None:
        angle = 2 * np.pi * np.arange(8_640) / 8_640
        self._sine = np.rint(1_000 * np.sin(angle)).astype(np.int64)
        # what a device draws over the day, in per cent of its power, by ten minutes
        slots = 2 * np.pi * np.arange(144) / 144
        self._load = np.rint(100 + 55 * np.sin(slots) + 20 * np.sin(3 * slots)).astype(np.int64)
        self._load_before = np.concatenate([[0], np.cumsum(self._load)[:-1]])
        normal = np.random.Generator(np.random.Philox(self._seed)).standard_normal(4_096)
        self._noise = np.rint(np.clip(normal, -3.5, 3.5) * 1_000).astype(np.int64)
        self._zeros = {width: _digits(width, "0") for width in (1, 2, 3)}
        self._spaces = {width: _digits(width, " ") for width in (3, 4)}

    def _lay_out(self) -> bytes:
        """Make the record to fill in, and remember where each part stands."""
        self._at: dict[str, int] = {}
        text = ""
        for part in (
            '{"ts":"', ("day", 10), "T", ("h", 2), ":", ("m", 2), ":", ("s", 2),
            ".", ("ms", 3), ("us", 3), 'Z","device":"', ("name", self._name.itemsize),
            '","temp":', ("temp", 3), ".", ("temp2", 2), ',"vibration":', ("vib", 1), ".",
            ("vib3", 3), ',"energy":', ("mwh", 4), ("kwh", 3), ".", ("wh", 3),
            ',"status":', ("status", 7), "}",
        ):  # fmt: skip
            if isinstance(part, str):
                text += part
            else:
                self._at[part[0]] = len(text)
                text += "0" * part[1]
        return text.encode()

    def records(
        self, partition: int, start: int, stop: int, arrival: Ints, origin: int
    ) -> pa.Array:
        """Make the records ``start`` to ``stop`` of a partition.

        Parameters
        ----------
        partition, start, stop
            The slice.
        arrival
            When each of them arrives, in microseconds since `origin`.
        origin
            Microseconds since the epoch at which the plant began.

        Returns
        -------
        pyarrow.Array
            One binary value per record.
        """
        number = np.arange(start, stop, dtype=np.int64)
        device = self._speaker(partition, number, arrival)
        chance = _mix(number, partition, self._seed, 10)
        time = arrival - self._delay(device, arrival)
        drift = self._drift(device, time)
        buffer = np.full(stop - start, self._template, dtype=f"S{self.width}")
        self._put_time(buffer, time + origin)
        self._put(buffer, "name", self._name[device])
        self._put_temperature(buffer, device, time, drift, chance)
        self._put_vibration(buffer, device, drift, chance)
        self._put_energy(buffer, device, time)
        status = np.array([b'"ok"   ', b'"warn" ', b'"fault"'])
        self._put(buffer, "status", status[(drift > 400).astype(int) + (drift > 900)])
        self._break(buffer, chance)
        offsets = np.arange(0, (stop - start + 1) * self.width, self.width, dtype=np.int32)
        buffers = [None, pa.py_buffer(offsets), pa.py_buffer(buffer)]
        return pa.Array.from_buffers(pa.binary(), stop - start, buffers)

    def _speaker(self, partition: int, number: Ints, arrival: Ints) -> Ints:
        """Say which device sends each record: in turn, but silent ones leave it to the next."""
        count = self._per_partition[partition]
        turn = number % count
        silent = np.flatnonzero(self._is_silent(partition, turn, arrival))
        for _ in range(min(4, count - 1)):
            if not silent.size:
                break
            turn[silent] = (turn[silent] + 1) % count
            still = self._is_silent(partition, turn[silent], arrival[silent])
            silent = silent[still]
        return partition + self._partitions * turn

    def _is_silent(self, partition: int, turn: Ints, arrival: Ints) -> npt.NDArray[np.bool_]:
        device = partition + self._partitions * turn
        return _chosen(_mix(device, arrival // _SILENCE, self._seed, 11), self._silent)

    def _delay(self, device: Ints, arrival: Ints) -> Ints:
        chance = _mix(device, arrival // _DELAY, self._seed, 12)
        delay = np.left_shift(np.int64(2 * SECOND), _low(chance, 8))
        return np.where(_chosen(chance, self._late), delay, 0)

    def _drift(self, device: Ints, time: Ints) -> Ints:
        """Let two devices in a hundred heat up by up to 12 °C over half an hour."""
        episode, within = np.divmod(time, _DRIFT)
        hot = _chosen(_mix(device, episode, self._seed, 13), 0.02)
        return np.where(hot, within * 1_200 // _DRIFT, 0)

    def _put(self, buffer: Bytes, part: str, values: Bytes) -> None:
        buffer.getfield(values.dtype, self._at[part])[:] = values

    def _put_time(self, buffer: Bytes, time: Ints) -> None:
        day, within = np.divmod(time, DAY)
        first = int(day.min())
        days = np.arange(first, int(day.max()) + 1).astype("datetime64[D]").astype("S10")
        self._put(buffer, "day", days[day - first])
        second, micro = np.divmod(within, SECOND)
        self._put(buffer, "h", self._zeros[2][second // 3_600])
        self._put(buffer, "m", self._zeros[2][second // 60 % 60])
        self._put(buffer, "s", self._zeros[2][second % 60])
        self._put(buffer, "ms", self._zeros[3][micro // 1_000])
        self._put(buffer, "us", self._zeros[3][micro % 1_000])

    def _put_temperature(
        self, buffer: Bytes, device: Ints, time: Ints, drift: Ints, chance: Hashes
    ) -> None:
        of_day = (time + self._shift[device]) % DAY // (10 * SECOND)
        swing = self._swing[device] * self._sine[of_day] // 1_000
        noise = 30 * self._noise[_low(chance, 4_096)] // 1_000
        temp = self._temp[device] + swing + noise + drift
        self._put(buffer, "temp", self._spaces[3][temp // 100])
        self._put(buffer, "temp2", self._zeros[2][temp % 100])

    def _put_vibration(self, buffer: Bytes, device: Ints, drift: Ints, chance: Hashes) -> None:
        noise = 40 * self._noise[_low(chance >> np.uint64(12), 4_096)] // 1_000
        vibration = self._vibration[device] + noise + drift // 2
        self._put(buffer, "vib", self._zeros[1][vibration // 1_000])
        self._put(buffer, "vib3", self._zeros[3][vibration % 1_000])

    def _put_energy(self, buffer: Bytes, device: Ints, time: Ints) -> None:
        """Read the meter: load integrated exactly, so that a later reading is never smaller."""
        day, within = np.divmod(time + self._shift[device], DAY)
        slot, rest = np.divmod(within, _SLOT)
        percent_ms = (
            day * (int(self._load.sum()) * 600_000)
            + self._load_before[slot] * 600_000
            + self._load[slot] * (rest // 1_000)
        )
        wh = self._meter[device] + self._power[device] * percent_ms // 360_000_000
        self._put(buffer, "mwh", self._spaces[4][wh // 1_000_000 % 10_000])
        self._put(buffer, "kwh", self._zeros[3][wh // 1_000 % 1_000])
        self._put(buffer, "wh", self._zeros[3][wh % 1_000])

    def _break(self, buffer: Bytes, chance: Hashes) -> None:
        broken = np.flatnonzero(_chosen(chance, self._broken))
        kind = _low(chance[broken] >> np.uint64(24), 5)
        temp, vib, half = self._at["temp"], self._at["vib"], self.width // 2
        for at, how in zip(broken.tolist(), kind.tolist(), strict=True):
            record = bytes(buffer[at])
            if how == 0:
                # DuckDB's JSON takes it for a number; so do averages, which are NaN from then on
                record = record[:vib] + b"  NaN" + record[vib + 5 :]
            elif how == 1:
                record = record[:temp] + b' "n/a"' + record[temp + 6 :]
            elif how == 2:
                record = record[:half]
            elif how == 3:
                record = record[: self._at["day"]] + b"2025-13-32" + record[self._at["day"] + 10 :]
            else:
                record = b"E42 sensor bus timeout"
            buffer[at] = record.ljust(self.width)
