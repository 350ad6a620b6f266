"""How well picture and sound travel: levels, the worst side, what is kept, and what is refused."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import msgspec
import pytest
import pytest_asyncio
from hypothesis import given
from hypothesis import strategies as st

from scheduling.rows import NotFound
from signaling import protocol
from signaling.call import CLERK, PARTIES, RESIDENT, Party
from signaling.protocol import Direction
from signaling.quality import FRESH_S, Level, Qualities, Sample, level
from tests.scheduling.office import office
from tests.signaling.parties import sample
from tests.signaling.wired import AT_DESK, AT_KIOSK, wired
from tests.support.worlds import World

NOW = datetime(2026, 11, 23, 4, 0, tzinfo=UTC)
GOOD, FAIR, POOR = Direction(), Direction(loss=0.05), Direction(loss=0.2)
ORDER: list[Level] = ["good", "fair", "poor"]
DIRECTIONS = st.builds(
    Direction,
    loss=st.floats(0, 1),
    jitter_ms=st.integers(0, 1000),
    round_trip_ms=st.integers(0, 5000),
    bitrate_bps=st.integers(0, 10**7),
    freezes=st.integers(0, 10),
    concealed=st.floats(0, 1),
)
BOUNDS = [
    ("loss", 0.03, 0.10),
    ("jitter_ms", 40, 100),
    ("round_trip_ms", 300, 800),
    ("concealed", 0.03, 0.10),
    ("freezes", 1, 3),
]


def report(party: Party, received: Direction = GOOD, sent: Direction = GOOD) -> Sample:
    return Sample(party=party, at=NOW, received=received, sent=sent)


@pytest_asyncio.fixture
async def qualities(world: World) -> AsyncIterator[Qualities]:
    async with office(world) as at:
        yield Qualities(at.engine)


# Levels


@pytest.mark.parametrize(("name", "fair", "poor"), BOUNDS)
def test_each_bound_alone_decides(name: str, fair: float, poor: float) -> None:
    step = 1 if isinstance(fair, int) else 0.001
    for value, told in (
        (0, "good"),
        (fair - step, "good"),
        (fair, "fair"),
        (poor - step, "fair"),
        (poor, "poor"),
    ):
        assert level(msgspec.structs.replace(GOOD, **{name: value})) == told, value


@given(DIRECTIONS, DIRECTIONS)
def test_what_is_worse_in_everything_is_never_called_better(a: Direction, b: Direction) -> None:
    worse = Direction(**{n: max(getattr(a, n), getattr(b, n)) for n in a.__struct_fields__})
    assert ORDER.index(level(worse)) >= max(ORDER.index(level(a)), ORDER.index(level(b)))


@given(DIRECTIONS, st.integers(0, 10**7), st.integers(0, 4000))
def test_size_and_rate_of_the_picture_say_nothing_of_how_it_travels(
    direction: Direction, rate: int, size: int
) -> None:
    other = msgspec.structs.replace(
        direction, bitrate_bps=rate, width=size, height=size, frames_a_second=size
    )
    assert level(other) == level(direction)


# Sides


async def test_without_a_report_nothing_is_claimed(qualities: Qualities) -> None:
    assert qualities.level("v", CLERK) is None
    await qualities.report("other", report(CLERK))
    assert qualities.level("v", CLERK) is None


@pytest.mark.parametrize("bad", PARTIES)
@pytest.mark.parametrize("direction", ["received", "sent"])
async def test_the_worst_side_is_named_as_each_party_sees_it(
    qualities: Qualities, bad: Party, direction: str
) -> None:
    for party in PARTIES:
        await qualities.report("v", report(party, **({direction: POOR} if party == bad else {})))
    for party in PARTIES:
        assert qualities.level("v", party) == ("poor", "own" if party == bad else "far")


async def test_the_newest_report_of_a_side_counts(qualities: Qualities) -> None:
    await qualities.report("v", report(CLERK, FAIR))
    await qualities.report("v", report(RESIDENT, POOR))
    await qualities.report("v", report(RESIDENT))
    assert qualities.level("v", CLERK) == ("fair", "own")
    assert qualities.level("v", RESIDENT) == ("fair", "far")


async def test_an_old_report_says_nothing_about_now(world_file: Path) -> None:
    now_s = 100.0
    async with office(world_file) as at:
        qualities = Qualities(at.engine, lambda: now_s)
        await qualities.report("v", report(RESIDENT, POOR))
        now_s += 10
        await qualities.report("v", report(CLERK))
        assert qualities.level("v", CLERK) == ("poor", "far")
        now_s += FRESH_S - 10
        assert qualities.level("v", CLERK) == ("good", "own")
        now_s += 10
        assert qualities.level("v", CLERK) is None


async def test_every_sample_is_kept_with_its_visit_also_after_the_call(
    qualities: Qualities,
) -> None:
    whole = Direction(loss=0.25, jitter_ms=7, round_trip_ms=9, bitrate_bps=10**9, concealed=0.5)
    given_ = [report(RESIDENT, whole, FAIR), report(CLERK, FAIR, whole), report(RESIDENT)]
    for one in given_:
        await qualities.report("v", one)
    qualities.forget("v")
    assert await qualities.of("v") == given_
    assert await qualities.of("other") == []
    assert qualities.level("v", CLERK) is None


# Reports


async def test_a_party_reports_on_its_own_running_call_alone(
    world_file: Path, tmp_path: Path
) -> None:
    async with wired(world_file, tmp_path) as running:
        visit_id = await running.accepted()
        call = running.call(visit_id)
        await running.switchboard.report_quality(AT_DESK, call.id, GOOD, FAIR)
        await running.switchboard.report_quality(AT_KIOSK, call.id, POOR, GOOD)
        kept = await running.qualities.of(visit_id)
        assert [(s.party, s.received, s.sent) for s in kept] == [
            ("clerk", GOOD, FAIR),
            ("resident", POOR, GOOD),
        ]
        stranger = msgspec.structs.replace(AT_DESK, id="jiaxing2")
        for who, name in ((stranger, call.id), (AT_DESK, "none")):
            with pytest.raises(NotFound):
                await running.switchboard.report_quality(who, name, POOR, POOR)
        await running.switchboard.end_call(AT_DESK, visit_id)
        with pytest.raises(NotFound):
            await running.switchboard.report_quality(AT_DESK, call.id, POOR, POOR)
        assert await running.qualities.of(visit_id) == kept


@pytest.mark.parametrize(
    "change",
    [
        {"loss": -0.1},
        {"loss": 1.1},
        {"loss": "0"},
        {"concealed": 2},
        {"jitter_ms": -1},
        {"jitter_ms": 1.5},
        {"bitrate_bps": 1 << 41},
        {"freezes": None},
        {"more": 1},
    ],
)
def test_a_report_out_of_its_bounds_is_not_read(change: dict[str, object]) -> None:
    decoder = msgspec.json.Decoder(protocol.ClientMessage)
    whole = sample(protocol.ReportQuality)
    assert isinstance(decoder.decode(json.dumps(whole)), protocol.ReportQuality)
    for direction in ("received", "sent"):
        bad = {**whole, direction: {**whole[direction], **change}}
        with pytest.raises(msgspec.ValidationError):
            decoder.decode(json.dumps(bad))
