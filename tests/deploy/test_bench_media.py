"""The media benchmark: what it accepts, what it concludes, and one small run of our own node."""

import argparse
import json
import os
import signal
import struct
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pylibsrtp import Policy, Session

from deploy import cli
from deploy.bench.clip import Clip, ClipPacket
from deploy.bench.media import figures, lab, mjr, options, program, sdp, trace, usage, wire
from deploy.bench.media.capture import Crossed
from deploy.bench.media.comparison import most, order
from deploy.bench.media.measurement import Measured, measure
from deploy.bench.media.party import Local

ROOT = Path(__file__).parents[2]
DIRECTIONS = ("a=sendrecv", "a=inactive")
DONE = Measured(
    server="ours",
    calls=20,
    seconds=30.0,
    cpu_s=5.0,
    user_s=3.0,
    system_s=2.0,
    memory_mb=20.0,
    sent=1000,
    returned=1000,
    lost=0,
    delay_p50_ms=0.1,
    delay_p99_ms=1.0,
    spoilt=0,
    pictures_sent=900,
    pictures_recorded=900,
    profile="SRTP_AEAD_AES_128_GCM",
    load_late_p99_ms=0.1,
    load_missed=0,
    others_cores=0.0,
)


def run_of(**changed: object) -> Measured:
    return msgspec.structs.replace(DONE, **changed)


def needs_lab() -> None:
    try:
        lab.check()
    except lab.NoLab as missing:
        pytest.skip(str(missing))


# What is asked for


def test_calls_are_sorted_and_each_is_run_once() -> None:
    assert options.calls("20,1,20,5") == (1, 5, 20)


@pytest.mark.parametrize("text", ["0", "401", "", "1,,2", "ten", "1.5", "-1"])
def test_a_number_of_calls_that_cannot_be_run_is_refused(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError):
        options.calls(text)


def test_an_unknown_server_is_refused_by_its_name() -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="mediasoup"):
        options.servers("ours,mediasoup")


def test_the_command_line_refuses_what_the_benchmark_cannot_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(SystemExit) as ended:
        cli.main(["bench", "media", "--seconds", "0"])
    assert ended.value.code == 2
    assert "0 is not between 1 and 300" in capsys.readouterr().err


# In which order


def test_servers_alternate_within_each_round_and_aiortc_gets_one_call_only() -> None:
    assert list(order(("ours", "janus", "aiortc"), (1, 20), 2)) == [
        ("ours", 1),
        ("janus", 1),
        ("aiortc", 1),
        ("ours", 20),
        ("janus", 20),
        ("janus", 1),
        ("aiortc", 1),
        ("ours", 1),
        ("janus", 20),
        ("ours", 20),
    ]


@given(capacity=st.integers(0, 500), limit=st.integers(20, 400))
def test_the_search_ends_soon_within_a_tenth_below_what_a_server_can_do(
    capacity: int, limit: int
) -> None:
    tried: list[int] = []

    def clean(calls: int) -> bool:
        tried.append(calls)
        return calls <= capacity

    found = most(clean, limit)
    reachable = min(capacity, limit)
    assert found <= reachable
    assert reachable - found <= max(1, found // 10)
    assert max(tried) <= limit
    assert len(tried) <= 12


# What the load sends


def clip_of(*frames: int) -> Clip:
    """A clip of a second with so many packets in each picture, and a sound with each."""
    packets = []
    for number, parts in enumerate(frames):
        for part in range(parts):
            payload = bytes((number, part))
            last = part == parts - 1
            packets.append(ClipPacket(number / 30, "video", last, number * 3000, payload))
        packets.append(ClipPacket(number / 50, "audio", False, number * 960, b"sound"))
    return Clip(1, tuple(packets))


def streams() -> dict[str, program.Stream]:
    numbers = program.random.Random(1)
    return {
        "audio": program.Stream("audio", 7, 111, numbers),
        "video": program.Stream("video", 8, 96, numbers),
    }


def test_the_packets_of_a_picture_leave_a_tenth_of_a_millisecond_apart() -> None:
    table = program.timetable(clip_of(3, 1))
    at_s = [at for at, packet in table if packet.kind == "video"]
    assert at_s == pytest.approx([0.0, 0.0001, 0.0002, 1 / 30])


def test_a_repeated_clip_goes_on_in_sequence_and_time_and_ends_with_a_whole_picture() -> None:
    table = program.timetable(clip_of(2, 2))
    sent = [
        leaving
        for leaving in program.packets(table, 1, streams(), 0.5, 2.5001)
        if leaving.clip.kind == "video"
    ]
    headers = [struct.unpack_from("!BBHII", leaving.rtp) for leaving in sent]
    sequences = [header[2] for header in headers]
    assert sequences == list(range(sequences[0], sequences[0] + len(sent)))
    assert headers[4][3] - headers[0][3] == 90_000
    assert len(sent) == 10  # two repetitions and the picture that begins before the end
    assert sent[-1].clip.marker


def test_a_sender_report_ties_the_clocks_of_sound_and_picture_to_one_wall_clock() -> None:
    for stream, clock_hz in (streams()["audio"], 48_000), (streams()["video"], 90_000):
        first = stream.packet(False, 0, b"12345")
        report = struct.unpack("!BBHIQIII", stream.report(2.0, 0.5))
        kind, ssrc, ntp, timestamp, packets, octets = report[1], *report[3:]
        assert (kind, ssrc, packets, octets) == (200, stream.ssrc, 1, 5)
        assert ntp == (2_208_988_800 << 32) + (1 << 31)
        assert timestamp - struct.unpack_from("!I", first, 4)[0] == 2 * clock_hz


def test_no_two_parties_begin_their_pictures_at_the_same_moment() -> None:
    frame_s = 1 / 30
    phases = sorted(program.begins_s(number, 40) % frame_s for number in range(40))
    gaps = [after - before for before, after in pairwise(phases)]
    assert min(gaps) > frame_s / 80


def test_frames_carry_an_ipv4_header_whose_checksum_is_right() -> None:
    header = wire.headers(20_001, ("10.77.0.1", 40_000), 1200)
    words = sum(struct.unpack("!10H", header[14:34]))
    assert (words & 0xFFFF) + (words >> 16) == 0xFFFF
    assert struct.unpack("!HHH", header[34:40]) == (20_001, 40_000, 1208)


def test_an_answer_takes_one_sound_and_one_picture_and_leaves_the_rest_inactive() -> None:
    local = Local("ufrag", "password", "AA:BB", 20_000, 1, 2)
    offered = sdp.offer(local) + "m=video 9 UDP/TLS/RTP/SAVPF 45\r\na=mid:2\r\n"
    offered += "a=rtpmap:45 VP8/90000\r\n"
    answered = sdp.answer(local, offered).split("m=")[1:]
    directions = [
        line for section in answered for line in section.splitlines() if line in DIRECTIONS
    ]
    assert directions == ["a=sendrecv", "a=sendrecv", "a=inactive"]
    assert sdp.read(offered).vp8 == sdp.VP8


# What came back


class Passage:
    """A stream of 300 packets through a server that numbers anew."""

    SHIFT = 1000

    def __init__(self) -> None:
        policy = {"key": bytes(28), "srtp_profile": Policy.SRTP_PROFILE_AEAD_AES_128_GCM}
        self.seal = Session(Policy(ssrc_type=Policy.SSRC_ANY_OUTBOUND, **policy))
        self.open = Session(Policy(ssrc_type=Policy.SSRC_ANY_INBOUND, **policy))
        self.payloads = [number.to_bytes(4, "big") for number in range(300)]
        self.planned = trace.Sent(20_000, 20_001, 96, 97, 500, self.payloads)

    def crossed(self, lost: set[int], spoilt: bytes | None = None) -> list[Crossed]:
        found = []
        for number, payload in enumerate(self.payloads):
            at_ns = number * 1_000_000
            found.append(Crossed(at_ns, True, 20_000, 96, 500 + number, None))
            if number in lost:
                continue
            sequence = 500 + number + self.SHIFT
            header = bytes((0x80, 97)) + sequence.to_bytes(2, "big") + bytes(4) + b"ssrc"
            sealed = self.seal.protect(header + (payload if spoilt is None else spoilt))
            whole = bytes(sealed) if sequence % 64 == 0 else None
            found.append(Crossed(at_ns + 40_000 + number, False, 20_001, 97, sequence, whole))
        return found

    def traced(self, crossed: list[Crossed]) -> trace.Traced:
        sessions = {20_001: self.open}
        return trace.trace([self.planned], crossed, sessions, 100_000_000, 200_000_000)


def test_packets_are_followed_through_a_server_that_numbers_them_anew() -> None:
    path = Passage()
    traced = path.traced(path.crossed(lost=set()))
    assert (traced.sent, traced.lost, traced.spoilt) == (100, 0, 0)
    assert traced.followed
    assert traced.delays_ns == [40_000 + number for number in range(100, 200)]


def test_packets_that_do_not_come_back_between_the_marks_are_lost() -> None:
    path = Passage()
    assert path.traced(path.crossed(lost={50, 100, 199, 200})).lost == 2


def test_a_server_that_sends_other_packets_is_not_said_to_lose_any() -> None:
    path = Passage()
    traced = path.traced(path.crossed(lost=set(), spoilt=b"encoded anew"))
    assert not traced.followed
    assert traced.returned == 100


def test_packets_that_do_not_open_are_spoilt() -> None:
    path = Passage()
    crossed = [one._replace(whole=one.whole and bytes(40)) for one in path.crossed(lost=set())]
    traced = path.traced(crossed)
    assert traced.spoilt == len([one for one in crossed if one.whole])
    assert traced.spoilt > 0


def recording(folder: Path, packets: list[tuple[int, bool, bool]], torn: bytes = b"") -> Path:
    """An .mjr file of VP8: sequence number, whether a picture begins, whether it ends."""
    data = b"MJR00002" + struct.pack("!H", 2) + b"{}"
    for sequence, begins, ends in packets:
        packet = struct.pack("!BBHII", 0x80, ends << 7 | 96, sequence, 0, 1)
        packet += (b"\x10" if begins else b"\x00") + b"vp8"
        data += b"MEET" + bytes(4) + struct.pack("!H", len(packet)) + packet
    path = folder / "videoroom-1-user-1-video-0.mjr"
    path.write_bytes(data + torn)
    return path


def test_only_whole_pictures_of_a_janus_recording_count(tmp_path: Path) -> None:
    packets = [
        (65534, True, False),
        (65535, False, False),
        (0, False, True),  # whole, across the wrap
        (1, True, False),
        (3, False, True),  # a packet is missing
        (4, True, True),  # whole
        (5, True, False),  # not ended
    ]
    assert mjr.whole_pictures(recording(tmp_path, packets, torn=b"MEET\x00")) == 2


def test_a_file_that_is_not_of_janus_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "other"
    path.write_bytes(b"RIFF")
    with pytest.raises(mjr.NotMjr):
        mjr.whole_pictures(path)


# What is concluded


def test_cpu_is_told_for_a_minute_of_one_call_and_memory_for_one_call() -> None:
    assert DONE.cpu_s_per_minute == pytest.approx(0.5)
    assert DONE.packets_per_core == pytest.approx(200)
    assert DONE.memory_per_call_mb == pytest.approx(1.0)


def test_time_of_threads_that_began_and_ended_between_two_moments_is_told_apart() -> None:
    begin = usage.Usage(10.0, 1.0, 1.0, {1: 1_000, 2: 9_000})
    end = usage.Usage(12.0, 1.5, 1.0, {1: 4_000, 3: 500})
    used = usage.between(begin, end)
    assert used == usage.Used(2.0, 3_500 / 1e9, 0.5, 0.0)


def test_ratios_are_of_medians_and_say_whether_the_target_is_met() -> None:
    runs = [run_of(cpu_s=cpu_s) for cpu_s in (1.0, 4.0, 100.0)]
    runs += [run_of(server="janus", cpu_s=cpu_s) for cpu_s in (5.0, 10.0, 12.0)]
    runs += [run_of(calls=1), run_of(calls=1, server="janus", cpu_s=4.0)]
    found = {one.name: one for one in figures.figures(runs)}
    assert found["cpu_vs_janus"].ratio == pytest.approx(0.4)
    assert found["cpu_vs_janus"].ok
    assert found["cpu_vs_janus_1"].ratio == pytest.approx(1.25)
    assert found["cpu_vs_janus_1"].ok is False
    assert found["memory_per_call_mb"].ok
    assert "cpu_vs_aiortc" not in found
    assert "lost_at_50_calls" not in found


def test_one_lossy_round_misses_the_target_however_good_the_others_were() -> None:
    runs = [run_of(calls=50, lost=lost) for lost in (0, 0, 3)]
    runs.append(run_of(calls=50, pictures_recorded=899))
    found = {one.name: one for one in figures.figures(runs)}
    assert (found["lost_at_50_calls"].value, found["lost_at_50_calls"].ok) == (3, False)
    assert found["pictures_missing_at_50_calls"].value == 1


def test_the_json_names_the_machine_each_run_and_each_verdict() -> None:
    runs = [run_of(), run_of(server="janus", cpu_s=8.0)]
    told = json.loads(figures.as_json(runs, figures.figures(runs)))
    verdicts = {one["name"]: one["verdict"] for one in told["figures"]}
    assert verdicts["cpu_vs_janus"] == "missed"
    assert verdicts["delay_p99_vs_janus"] == "met"
    assert told["machine"]
    assert [one["cpu_s_per_call_minute"] for one in told["runs"]] == pytest.approx([0.5, 0.8])


def test_the_text_has_a_line_a_server_and_says_what_speaks_against_it() -> None:
    runs = [run_of(), run_of(lost=4), run_of(server="aiortc", calls=1, delay_p99_ms=None)]
    runs.append(run_of(server="janus", load_late_p99_ms=7.0))
    runs.append(run_of(server="janus", others_cores=0.5))
    told = figures.text(runs, figures.figures(runs))
    lines = told.splitlines()
    assert [line.split()[:2] for line in lines[2:5]] == [
        ["ours", "20"],
        ["aiortc", "1"],
        ["janus", "20"],
    ]
    assert lines[2].split()[7] == "4"
    assert lines[3].split()[9] == "-"
    assert "janus with 20 calls: the load was 7.0 ms behind" in lines[-2]
    assert "janus with 20 calls: other work kept 0.50 cores busy" in lines[-1]


# The whole of it


def test_a_call_on_our_node_comes_back_whole_and_is_recorded_whole(tmp_path: Path) -> None:
    needs_lab()
    with lab.lab(tmp_path) as made:
        found = measure(made, "ours", 1, 1)
    assert found.clean
    assert found.returned == found.sent > 200
    assert found.pictures_sent == found.pictures_recorded > 100
    assert found.cpu_s > 0
    assert found.delay_p50_ms is not None


def test_an_interrupted_run_leaves_no_process_and_no_file(tmp_path: Path) -> None:
    needs_lab()
    command = ["-v", "bench", "media", "--servers", "ours", "--calls", "1", "--seconds", "60"]
    with subprocess.Popen(
        [sys.executable, "-m", "deploy.cli", *command],
        stderr=subprocess.PIPE,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as bench:
        assert bench.stderr is not None
        while b"< ours with 1 calls" not in bench.stderr.readline():
            assert bench.poll() is None
        started = usage.family(bench.pid)
        bench.send_signal(signal.SIGINT)
        assert bench.wait(30) == 130
    assert len(started) >= 3  # with the two that hold the namespaces
    assert not [pid for pid in started if Path(f"/proc/{pid}").exists()]
    assert {path.name.rsplit("-", 1)[0] for path in tmp_path.iterdir()} == {"virtual-window-clip"}
