"""The manifest says what was recorded, and whether it still is."""

import contextlib
import shutil
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from media.records import manifest as manifests
from media.records import webm
from media.records.manifest import Gap, Interruption, Manifest, NoManifest, Pause, Segment
from media.records.store import BadName, Store
from tests.media.encoded import both, packets_of, recorded, sound, unfinished, vp8_frames

BEGAN = datetime(2026, 11, 23, 8, 30, tzinfo=UTC)


def empty() -> Manifest:
    """The manifest of a visit of which nothing is recorded yet."""
    return Manifest(visit="visit-7", call="call-7", city="lanzhou", call_started_at=BEGAN)


@dataclass
class Visit:
    """A visit's folder with its two recordings."""

    folder: Path

    @property
    def files(self) -> list[str]:
        return [segment.file for segment in manifests.read(self.folder).segments]

    def findings(self) -> list[tuple[str, str]]:
        return [(found.file, found.problem) for found in manifests.verify(self.folder)]


def complete_visit(root: Path) -> Visit:
    """Two finished and sealed segments: a resident with picture, a clerk with sound."""
    folder = root / "visit-7"
    manifest = empty()
    for number, (party, arrivals) in enumerate([("resident", both(1)), ("clerk", list(sound(1)))]):
        path = folder / f"{party}-001.webm"
        told = msgspec.structs.replace(
            recorded(path, arrivals),
            party=party,
            started_at=BEGAN + timedelta(seconds=number),
        )
        manifest = manifest.with_segment(manifests.sealed(folder, told))
    manifests.write(folder, manifest)
    return Visit(folder)


def killed_visit(root: Path, data: bytes) -> Path:
    """A folder as a killed process leaves it: a torn file, a manifest that says `recording`."""
    root.mkdir(parents=True, exist_ok=True)
    (root / "resident-001.webm").write_bytes(data)
    running = Segment(
        party="resident",
        number=1,
        file="resident-001.webm",
        state="recording",
        started_at=BEGAN,
    )
    manifests.write(root, empty().with_segment(running))
    return root


# Writing and reading


def test_what_is_written_is_what_is_read(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    manifest = manifests.read(visit.folder)
    manifests.write(visit.folder, manifest)
    assert manifests.read(visit.folder) == manifest
    assert [s.party for s in manifest.segments] == ["resident", "clerk"]
    assert not (visit.folder / "manifest.json.new").exists()


def test_people_can_read_it(tmp_path: Path) -> None:
    manifests.write(tmp_path, empty())
    assert '\n  "visit": "visit-7",\n' in (tmp_path / manifests.NAME).read_text()


def test_a_segment_takes_the_place_of_the_one_with_its_file() -> None:
    segment = Segment(party="p", number=1, file="p-001.webm", state="recording", started_at=BEGAN)
    done = msgspec.structs.replace(segment, state="complete")
    assert empty().with_segment(segment).with_segment(done).segments == (done,)


def test_segments_stand_in_the_order_of_their_beginning() -> None:
    later = Segment(
        party="a", number=1, file="a-001.webm", state="x", started_at=BEGAN + timedelta(seconds=1)
    )
    first = Segment(party="b", number=1, file="b-001.webm", state="x", started_at=BEGAN)
    assert empty().with_segment(later).with_segment(first).segments == (first, later)


def test_a_segment_ends_with_its_last_frame() -> None:
    segment = Segment(party="p", number=1, file="f", state="x", started_at=BEGAN, duration_ms=1_500)
    assert manifests.ends_at(segment) == BEGAN + timedelta(seconds=1.5)


def test_pauses_and_interruptions_and_gaps_are_kept(tmp_path: Path) -> None:
    segment = Segment(
        party="p",
        number=1,
        file="p-001.webm",
        state="complete",
        started_at=BEGAN,
        gaps=(Gap(track="audio", start_ms=1_000, end_ms=3_000),),
    )
    manifest = msgspec.structs.replace(
        empty().with_segment(segment),
        pauses=(Pause(by="clerk", since=BEGAN, to=BEGAN + timedelta(seconds=5)),),
        interruptions=(Interruption(reason="node lost", since=BEGAN),),
    )
    manifests.write(tmp_path, manifest)
    assert manifests.read(tmp_path) == manifest


def test_several_hosts_change_one_manifest_and_nothing_is_lost(tmp_path: Path) -> None:
    """The lock is the folder's, so it holds between processes as between threads."""

    def add(number: int) -> None:
        segment = Segment(
            party="p",
            number=number,
            file=f"p-{number:03d}.webm",
            state="recording",
            started_at=BEGAN + timedelta(seconds=number),
        )
        manifests.change(tmp_path, empty(), lambda manifest: manifest.with_segment(segment))

    with ThreadPoolExecutor(8) as hosts:
        list(hosts.map(add, range(1, 25)))
    assert [s.number for s in manifests.read(tmp_path).segments] == list(range(1, 25))


def test_a_change_that_changes_nothing_writes_nothing(tmp_path: Path) -> None:
    manifests.write(tmp_path, empty())
    before = (tmp_path / manifests.NAME).stat().st_ino
    assert manifests.change(tmp_path, empty(), lambda manifest: manifest) == empty()
    assert (tmp_path / manifests.NAME).stat().st_ino == before


def test_a_segment_that_never_carried_anything_is_taken_out() -> None:
    segment = Segment(party="p", number=1, file="p-001.webm", state="recording", started_at=BEGAN)
    assert empty().with_segment(segment).without_segment("p-001.webm") == empty()


def test_a_folder_without_a_manifest_says_so(tmp_path: Path) -> None:
    with pytest.raises(NoManifest):
        manifests.read(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=300))
def test_garbage_is_no_manifest(tmp_path: Path, data: bytes) -> None:
    (tmp_path / manifests.NAME).write_bytes(data)
    with pytest.raises(NoManifest):
        manifests.read(tmp_path)


@pytest.mark.parametrize("data", [b"[" * 100_000, b'{"visit": "\xff"}', b'{"x":' * 100_000])
def test_garbage_that_begins_well_is_no_manifest(tmp_path: Path, data: bytes) -> None:
    (tmp_path / manifests.NAME).write_bytes(data)
    with pytest.raises(NoManifest):
        manifests.read(tmp_path)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=50)
@given(st.data())
def test_a_mutated_manifest_is_read_or_none(tmp_path: Path, data: st.DataObject) -> None:
    manifests.write(tmp_path, empty())
    original = (tmp_path / manifests.NAME).read_bytes()
    at = data.draw(st.integers(0, len(original) - 1))
    noise = data.draw(st.binary(max_size=3))
    (tmp_path / manifests.NAME).write_bytes(original[:at] + noise + original[at + 1 :])
    with contextlib.suppress(NoManifest):
        assert isinstance(manifests.read(tmp_path), Manifest)


# Is it still what was recorded?


def test_a_complete_visit_is_as_recorded(tmp_path: Path) -> None:
    assert complete_visit(tmp_path).findings() == []


@pytest.mark.parametrize("place", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_a_changed_byte_is_found(tmp_path: Path, place: float) -> None:
    visit = complete_visit(tmp_path)
    path = visit.folder / "resident-001.webm"
    data = bytearray(path.read_bytes())
    data[int(place * (len(data) - 1))] ^= 1
    path.write_bytes(data)
    findings = visit.findings()
    assert {file for file, _ in findings} == {"resident-001.webm"}
    if place:
        assert "SHA-256" in findings[0][1]


def test_a_removed_segment_is_found(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    (visit.folder / "clerk-001.webm").unlink()
    assert visit.findings() == [("clerk-001.webm", "the file is missing")]


def test_swapped_segments_are_found(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    one, other = (visit.folder / name for name in visit.files)
    one.rename(visit.folder / "aside")
    other.rename(one)
    (visit.folder / "aside").rename(other)
    assert {file for file, _ in visit.findings()} == set(visit.files)


def test_an_added_file_is_found(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    shutil.copy(visit.folder / "clerk-001.webm", visit.folder / "clerk-002.webm")
    assert visit.findings() == [("clerk-002.webm", "not in the manifest")]


def test_a_cut_off_segment_is_found(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    path = visit.folder / "clerk-001.webm"
    path.write_bytes(path.read_bytes()[:-1])
    assert ("clerk-001.webm", "the file is cut off") in visit.findings()


def test_a_manifest_without_segments_is_found(tmp_path: Path) -> None:
    manifests.write(tmp_path, empty())
    assert [found.problem for found in manifests.verify(tmp_path)] == [
        "the manifest names no segment"
    ]


def test_a_changed_length_in_the_manifest_is_found(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    manifest = manifests.read(visit.folder)
    longer = msgspec.structs.replace(manifest.segments[0], duration_ms=60_000)
    manifests.write(visit.folder, manifest.with_segment(longer))
    assert [file for file, _ in visit.findings()] == ["resident-001.webm"]


def test_a_failed_or_running_segment_is_named_with_its_reason(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    manifest = manifests.read(visit.folder)
    failed = msgspec.structs.replace(
        manifest.segments[0], state="failed", failure="No space left on device"
    )
    manifests.write(visit.folder, manifest.with_segment(failed))
    assert visit.findings() == [("resident-001.webm", "state is failed No space left on device")]


def test_a_segment_replaced_by_a_folder_is_found(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    (visit.folder / "clerk-001.webm").unlink()
    (visit.folder / "clerk-001.webm").mkdir()
    assert [file for file, _ in visit.findings()] == ["clerk-001.webm"]


# After a killed process


@pytest.mark.parametrize("torn", [0, 1, 500])
def test_a_torn_segment_is_recovered_and_verifies(tmp_path: Path, torn: int) -> None:
    data = unfinished(2)
    folder = killed_visit(tmp_path / "visit-7", data[: len(data) - torn])
    (segment,) = manifests.recover(folder).segments
    assert segment.state == "recovered"
    assert manifests.verify(folder) == []
    pictures, _ = packets_of((folder / segment.file).read_bytes())
    assert tuple(pictures) == vp8_frames(2)[: segment.video_frames]
    assert segment.bytes == (folder / segment.file).stat().st_size


def test_recovering_twice_is_recovering_once(tmp_path: Path) -> None:
    folder = killed_visit(tmp_path, unfinished(1)[:-10])
    once = manifests.recover(folder)
    file = (folder / "resident-001.webm").read_bytes()
    assert manifests.recover(folder) == once
    assert (folder / "resident-001.webm").read_bytes() == file


def test_a_complete_visit_needs_no_recovery(tmp_path: Path) -> None:
    visit = complete_visit(tmp_path)
    before = manifests.read(visit.folder)
    assert manifests.recover(visit.folder) == before


@pytest.mark.parametrize("data", [b"", b"\x00" * 4096, webm.HEADER[:50]])
def test_a_segment_of_which_nothing_is_left_is_stated_as_failed(
    tmp_path: Path, data: bytes
) -> None:
    folder = killed_visit(tmp_path, data)
    (segment,) = manifests.recover(folder).segments
    assert segment.state == "failed"
    assert segment.failure
    assert (folder / segment.file).read_bytes() == data


def test_a_segment_whose_file_never_came_is_stated_as_failed(tmp_path: Path) -> None:
    folder = killed_visit(tmp_path, b"")
    (folder / "resident-001.webm").unlink()
    assert [s.state for s in manifests.recover(folder).segments] == ["failed"]


# Where recordings lie


def test_a_visits_folder_is_by_city_day_and_visit(tmp_path: Path) -> None:
    folder = Store(tmp_path).folder("lanzhou", "visit-7", BEGAN)
    assert folder == tmp_path / "lanzhou" / "2026-11-23" / "visit-7"


OUTSIDE = [
    "",
    ".",
    "..",
    "../lanzhou",
    "/etc",
    "a/b",
    "a\\b",
    "a\x00",
    "visit-7\n",
    "-rf",
    "_x",
    "兰州",
    "a" * 65,
]


@pytest.mark.parametrize("name", OUTSIDE)
def test_a_name_that_is_none_of_ours_makes_no_folder(tmp_path: Path, name: str) -> None:
    store = Store(tmp_path)
    with pytest.raises(BadName):
        store.folder(name, "visit-7", BEGAN)
    with pytest.raises(BadName):
        store.folder("lanzhou", name, BEGAN)


@pytest.mark.parametrize(
    "name",
    [*OUTSIDE, "manifest.json", "../resident-001.webm", "resident-001.webm\n", "a-01.webm"],
)
def test_a_name_that_is_none_of_ours_makes_no_file(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadName):
        Store(tmp_path).file(tmp_path, name)


@given(st.text(max_size=80), st.text(max_size=80))
def test_no_name_leads_out_of_the_store(city: str, visit: str) -> None:
    root = Path("/recordings")
    try:
        folder = Store(root).folder(city, visit, BEGAN)
    except BadName:
        return
    assert folder.relative_to(root).parts == (city, "2026-11-23", visit)
    assert city.isascii()
    assert city.isprintable()


def test_files_of_every_party_and_of_screens_have_names_of_ours(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for name in ("resident", "listener-2", "clerk-screen", "listener-2-screen"):
        assert store.segment_path(tmp_path, name, 1).name == f"{name}-001.webm"
    assert store.segment_path(tmp_path, "clerk", 1_000).name == "clerk-1000.webm"


def test_screens_are_numbered_apart(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.segment_path(tmp_path, "clerk-screen", 4).touch()
    assert store.next_number(tmp_path, "clerk") == 1
    assert store.next_number(tmp_path, "clerk-screen") == 5


def test_segments_of_a_party_are_numbered(tmp_path: Path) -> None:
    store = Store(tmp_path)
    assert store.next_number(tmp_path, "clerk") == 1
    store.segment_path(tmp_path, "clerk", 1).touch()
    store.segment_path(tmp_path, "resident", 1).touch()
    assert store.next_number(tmp_path, "clerk") == 2


def test_a_number_is_not_given_again_when_an_earlier_file_is_gone(tmp_path: Path) -> None:
    store = Store(tmp_path)
    store.segment_path(tmp_path, "clerk", 2).touch()
    assert store.next_number(tmp_path, "clerk") == 3


def test_the_store_recovers_every_visit_a_killed_process_left(tmp_path: Path) -> None:
    store = Store(tmp_path)
    for visit in ("visit-1", "visit-2"):
        killed_visit(store.folder("lanzhou", visit, BEGAN), unfinished(1))
    broken = store.folder("lanzhou", "visit-3", BEGAN)
    broken.mkdir(parents=True)
    (broken / manifests.NAME).write_text("{")
    assert store.recover() == 2
    assert store.recover() == 0
    assert manifests.verify(store.folder("lanzhou", "visit-1", BEGAN)) == []
