"""`virtual-window simulate`, as a scheduler uses it: files, what-if, comparison, picture."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from deploy import cli, demo_world
from deploy.settings import Settings
from deploy.simulation import scenario_file
from deploy.simulation.demo_day import demo_day
from scheduling import workdays
from scheduling.duty import LOCAL
from tests.scheduling.office import office

HALF_HOURS = ("09:00", "09:30", "10:00", "10:30", "11:00", "11:30")


def a_scenario(**change: Any) -> dict[str, Any]:
    """Two queues of one city, three clerks."""
    return {
        "queues": [
            {
                "id": name,
                "city": "310117",
                "name_zh": name,
                "name_en": name,
                "letter": letter,
                "matters": [name],
                "demand": {
                    "per_half_hour": dict.fromkeys(HALF_HOURS, 4),
                    "service": {"mean_s": 600, "cv": 0.5},
                    "patience": {"mean_s": 1800, "kind": "exponential"},
                    "priorities": {"elderly": 0.1},
                    "languages": {"wuu": 0.1},
                },
            }
            for name, letter in (("cards", "A"), ("homes", "B"))
        ],
        "clerks": [
            {"id": "li", "levels": {"cards": 1}, "shifts": [["09:00", "12:00"]]},
            {
                "id": "zhang",
                "count": 2,
                "levels": {"cards": 2, "homes": 1},
                "languages": ["cmn", "wuu"],
                "shifts": [["09:00", "10:30"], ["10:45", "12:15"]],
            },
        ],
    } | change


@pytest.fixture
def scenario(tmp_path: Path) -> Path:
    path = tmp_path / "scenario.json"
    path.write_text(json.dumps(a_scenario()), encoding="utf-8")
    return path


Simulate = Callable[..., str]


@pytest.fixture
def simulate(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Simulate:
    """Run the command; what it printed, or `refused: …` with what it said."""
    monkeypatch.setenv("VW_DATA", str(tmp_path))

    def run(*arguments: object) -> str:
        code = cli.main(["simulate", *map(str, arguments)])
        said = capsys.readouterr()
        return said.out if code == 0 else f"refused: {said.err}"

    return run


def test_a_scenario_gives_a_table_of_its_queues(simulate: Simulate, scenario: Path) -> None:
    said = simulate("--scenario", scenario, "--days", 3)
    lines = said.splitlines()
    assert lines[0].endswith("visits of 3 days, seed 1; waits in minutes:seconds")
    assert [line.split()[0] for line in lines if line.startswith(("cards", "homes", "all"))] == [
        "cards",
        "homes",
        "all",
    ]
    assert said == simulate("--scenario", scenario, "--days", 3)


def test_as_json_everything_can_be_read(simulate: Simulate, scenario: Path) -> None:
    found = json.loads(simulate("--scenario", scenario, "--days", 2, "--json"))
    cards = found["queues"]["cards"]
    assert found["visits"] == found["total"]["visits"]
    assert cards["answered"] + cards["left"] + cards["sent_home"] == cards["visits"]
    assert {hour["hour"] for hour in cards["by_hour"]} <= {9, 10, 11}
    assert {clerk["clerk"] for clerk in found["clerks"]} == {"li", "zhang-1", "zhang-2"}


def test_more_clerks_are_shown_beside_the_plan_as_it_is(simulate: Simulate, scenario: Path) -> None:
    before, after = json.loads(
        simulate("--scenario", scenario, "--clerks", "+2@cards", "--clerks=-1@homes", "--json")
    )
    assert {c["clerk"] for c in after["clerks"]} == {"li", "zhang-1", "new-1-1", "new-1-2"}
    assert before["visits"] == after["visits"]
    assert after["queues"]["cards"]["mean_wait_s"] < before["queues"]["cards"]["mean_wait_s"]
    assert "→" in simulate("--scenario", scenario, "--clerks", "+2@cards")


def test_two_scenarios_are_compared_on_the_same_residents(
    simulate: Simulate, scenario: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other.json"
    clerks = a_scenario()["clerks"]
    clerks[0]["count"] = 4
    other.write_text(json.dumps(a_scenario(clerks=clerks)), encoding="utf-8")
    before, after = json.loads(simulate("--scenario", scenario, "--compare", other, "--json"))
    assert before["visits"] == after["visits"]
    assert after["total"]["in_time"] > before["total"]["in_time"]


def test_the_picture_shows_each_queue_and_hour_twice(
    simulate: Simulate, scenario: Path, tmp_path: Path
) -> None:
    plot = tmp_path / "plot.svg"
    simulate("--scenario", scenario, "--days", 5, "--plot", plot, "--clerks", "+1@cards")
    texts = [text.text for text in ElementTree.parse(plot).iter("{http://www.w3.org/2000/svg}text")]
    for word in ("all queues", "cards", "homes", "9:00", "11:00", "before: mean wait, minutes"):
        assert word in texts
    assert texts.count("9:00") == 4
    assert "+1@cards: answered in time, %" in texts


def test_a_saved_scenario_is_read_as_it_was(tmp_path: Path) -> None:
    path = tmp_path / "demo.json"
    scenario_file.write(path, demo_day())
    assert scenario_file.read(path) == demo_day()


def test_recorded_arrivals_take_the_place_of_made_up_ones(
    simulate: Simulate, scenario: Path, tmp_path: Path
) -> None:
    arrivals = tmp_path / "arrivals.csv"
    arrivals.write_text(
        "queue,arrived_at,service_s\n"
        "cards,2026-11-23 09:00:00,600\n"
        "cards,2026-11-23T01:00:00+00:00,300\n"
        "homes,2026-11-24 10:00:00,\n",
        encoding="utf-8",
    )
    found = json.loads(simulate("--scenario", scenario, "--arrivals", arrivals, "--json"))
    assert (found["days"], found["visits"]) == (2, 3)
    assert [hour["hour"] for hour in found["total"]["by_hour"]] == [9, 10]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ("queue,at\ncards,1\n", "arrived_at: this column is missing"),
        ("queue,arrived_at\ncards,1\nnowhere,2\n", "line 3: queue: there is no queue 'nowhere'"),
        ("queue,arrived_at\ncards,soon\n", "line 2: arrived_at: 'soon' is neither"),
        ("queue,arrived_at\ncards,-5\n", "line 2: arrived_at: seconds from 0"),
        ("queue,arrived_at,service_s\ncards,1,x\n", "line 2: service_s: 'x' is no number"),
        ("queue,arrived_at\ncards,1\ncards,2026-11-23\n", "arrived_at: dates in some rows"),
        ("queue,arrived_at\n", "no visits in it"),
    ],
)
def test_bad_arrivals_are_refused_with_their_line(
    simulate: Simulate, scenario: Path, tmp_path: Path, rows: str, said: str
) -> None:
    arrivals = tmp_path / "arrivals.csv"
    arrivals.write_text(rows, encoding="utf-8")
    refused = simulate("--scenario", scenario, "--arrivals", arrivals)
    assert refused.startswith("refused: virtual-window: ")
    assert said in refused


def with_(path: str, value: Any) -> dict[str, Any]:
    """The scenario with one thing wrong in it."""
    whole = a_scenario()
    at: Any = whole
    *way, last = (int(step) if step.isdigit() else step for step in path.split("."))
    for step in way:
        at = at[step]
    at[last] = value
    return whole


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (with_("queues.0.ring_seconds", 5), "unknown field `ring_seconds` - at `$.queues[0]`"),
        (with_("queues.0.letter", "ab"), "queues[0].letter: one capital letter"),
        (with_("queues.1.letter", "A"), "queues[1].letter: A is the letter of cards"),
        (with_("queues.1.id", "cards"), "queues[1].id: there are two queues cards"),
        (with_("queues.0.demand.service", {}), "queues[0].demand.service.mean_s: missing"),
        (with_("queues.0.demand.per_half_hour", {"09:10": 1}), "09:10 is not where a half hour"),
        (with_("queues.0.demand.per_half_hour", {"25:00": 1}), "queues[0].demand.per_half_hour: "),
        (with_("queues.0.demand.languages", {"tlh": 1}), "Invalid enum value 'tlh'"),
        (with_("queues.0.demand.priorities", {"elderly": 2}), "demand.cards.priorities: shares"),
        (with_("clerks.0.levels", {"nowhere": 1}), "clerks[0].levels: there is no queue nowhere"),
        (with_("clerks.0.levels", {"cards": 9}), "Invalid enum value 9"),
        (with_("clerks.0.count", 0), "clerks[0].count: 1 to 10,000"),
        (with_("clerks.0.shifts", [["9 am", "12:00"]]), "clerks[0].shifts: a time is written"),
        (with_("clerks.0.shifts", [["12:00", "09:00"]]), "clerks.li.spans: from a time"),
        (
            with_("overflows", [{"queue": "cards", "partner": "homes", "when": "waited"}]),
            "overflows[0].partner: a queue of another city",
        ),
        (with_("head_starts_s", {"310117": {"elderly": 1e6}}), "head_starts_s.elderly: 0 to"),
        (with_("habits", {"missed": 2}), "habits.missed: a share from 0 to 1"),
    ],
)
def test_a_bad_scenario_is_refused_with_its_field(
    simulate: Simulate, tmp_path: Path, wrong: dict[str, Any], said: str
) -> None:
    path = tmp_path / "wrong.json"
    path.write_text(json.dumps(wrong), encoding="utf-8")
    refused = simulate("--scenario", path)
    assert refused.startswith(f"refused: virtual-window: {path}: ")
    assert said in refused


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--days", 0), "days: 1 to 3660"),
        (("--clerks", "2@cards"), "clerks: '2@cards' is not written like +2@QUEUE"),
        (("--clerks", "+2@nowhere"), "clerks: there is no queue nowhere"),
        (("--clerks=-9@homes",), "clerks: homes has 2 clerks, not 9"),
        (("--compare", "/nowhere.json"), "No such file"),
    ],
)
def test_bad_options_are_refused(
    simulate: Simulate, scenario: Path, arguments: tuple[object, ...], said: str
) -> None:
    refused = simulate("--scenario", scenario, *arguments)
    assert refused.startswith("refused: ")
    assert said in refused


def test_without_a_database_it_says_what_to_do(simulate: Simulate) -> None:
    assert "give --scenario or --demo" in simulate()


def a_working_day() -> date:
    """The next one; the demo world's clerks are planned for this week and the next."""
    day = datetime.now(LOCAL).date() + timedelta(days=1)
    while workdays.day(day).kind not in (workdays.Kind.WORKING, workdays.Kind.MAKE_UP):
        day += timedelta(days=1)
    return day


def test_rules_shifts_and_visits_of_the_database_are_simulated(
    simulate: Simulate, tmp_path: Path
) -> None:
    database = Settings(data=tmp_path).database
    asyncio.run(demo_world.load(Settings(data=tmp_path)))
    day = a_working_day()
    assert "arrivals: no visits in the 4 weeks" in simulate("--date", day)
    assert "date: nobody has a shift on 2020-01-01" in simulate(
        "--date", "2020-01-01", "--arrivals", _arrivals(tmp_path)
    )
    assert "date: 'soon' is not written like" in simulate("--date", "soon")
    found = json.loads(simulate("--date", day, "--arrivals", _arrivals(tmp_path), "--json"))
    assert found["queues"]["330400-medical-insurance"]["answered"] == 1
    assert isinstance(database, Path)
    asyncio.run(_a_visit_the_day_before(database, day))
    found = json.loads(simulate("--date", day, "--days", 40, "--json"))
    came = found["queues"]["330400-medical-insurance"]
    assert came["visits"] == found["visits"]
    assert 20 < came["visits"] < 65  # one a day
    assert {hour["hour"] for hour in came["by_hour"]} == {10}


def _arrivals(folder: Path) -> Path:
    path = folder / "arrivals.csv"
    path.write_text("queue,arrived_at\n330400-medical-insurance,36000\n", encoding="utf-8")
    return path


class InPlace:
    """The office works on this very file, not on a copy."""

    def __init__(self, file: Path) -> None:
        self.file = file

    @contextlib.asynccontextmanager
    async def copy(self) -> AsyncIterator[Path]:
        yield self.file


async def _a_visit_the_day_before(database: Path, day: date) -> None:
    async with office(InPlace(database)) as there:
        there.now = datetime.combine(day - timedelta(days=1), time(10), LOCAL)
        await there.closed()
