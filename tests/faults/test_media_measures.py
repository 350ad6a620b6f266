"""What measures the faults finds exactly what is missing, late or frozen, and nothing else."""

import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from numpy.typing import NDArray

from tests.support import chirps, counter
from tests.support.browser import browsing
from tests.support.chirps import HIGH, LOW, Band
from tests.support.likeness import MEASURED_RESIDENT
from tests.support.measured import Measured, measure_file
from tests.support.tap import listen

RATE = chirps.SAMPLE_RATE_HZ
SECONDS = 6
LOUDNESS = 0.6 / 2**0.5  # of a chirp


def recording(
    path: Path,
    band: Band,
    *,
    pictures: Callable[[int], int] = lambda number: number,
    sound: Callable[[NDArray], NDArray] = lambda samples: samples,
) -> Path:
    """Six seconds as VP8 at 300 kbit/s and Opus; the arguments change what is recorded."""
    samples = sound(chirps.sound(band, SECONDS))
    with av.open(str(path), "w", format="webm") as container:
        video = container.add_stream("libvpx", rate=counter.RATE_HZ)
        video.width, video.height, video.pix_fmt = counter.WIDTH, counter.HEIGHT, "yuv420p"
        video.bit_rate = 300_000
        video.options = {"deadline": "realtime", "cpu-used": "8", "lag-in-frames": "0"}
        audio = container.add_stream("libopus", rate=RATE, layout="mono")
        for number in range(SECONDS * counter.RATE_HZ):
            y = counter.draw(pictures(number) % counter.PICTURES)
            grey = np.full((counter.HEIGHT // 2, counter.WIDTH), 128, np.uint8)
            frame = av.VideoFrame.from_ndarray(np.vstack([y, grey]), format="yuv420p")
            frame.pts, frame.time_base = number, Fraction(1, counter.RATE_HZ)
            container.mux(video.encode(frame))
            piece = samples[number * RATE // counter.RATE_HZ :][: RATE // counter.RATE_HZ]
            heard = av.AudioFrame.from_ndarray(
                (piece * 32767).astype(np.int16)[None, :], format="s16", layout="mono"
            )
            heard.sample_rate, heard.pts = RATE, number * RATE // counter.RATE_HZ
            container.mux(audio.encode(heard))
        container.mux(video.encode(None))
        container.mux(audio.encode(None))
    return path


def muted(since_s: float, until_s: float) -> Callable[[NDArray], NDArray]:
    def mute(samples: NDArray) -> NDArray:
        samples[round(since_s * RATE) : round(until_s * RATE)] = 0
        return samples

    return mute


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Measured:
    """A recording from which nothing is missing."""
    return measure_file(recording(tmp_path_factory.mktemp("whole") / "whole.webm", LOW), LOW)


def test_of_a_whole_recording_everything_is_found_at_its_time(whole: Measured) -> None:
    assert whole.sounds.chirps == pytest.approx([0.5 * n for n in range(12)], abs=0.003)
    assert len(whole.sounds.ticks) == 12 * 4
    assert [number for _, number in whole.pictures.seen] == list(range(120))
    assert whole.pictures.unreadable == 0
    assert whole.sounds.lost_share(0, SECONDS) == 0
    assert whole.pictures.frozen_share(0, SECONDS) == 0
    assert whole.picture_late_ms() == pytest.approx(0, abs=5)


def test_the_other_partys_band_is_silent(tmp_path: Path) -> None:
    heard = measure_file(recording(tmp_path / "other.webm", HIGH), LOW).sounds
    assert heard.chirps == heard.ticks == ()


def test_two_parties_at_once_are_both_heard_whole() -> None:
    both = 0.5 * (chirps.sound(LOW, SECONDS) + np.roll(chirps.sound(HIGH, SECONDS), 700))
    for band in (LOW, HIGH):
        assert chirps.find(both, RATE, band).lost_share(0, SECONDS) == 0


@pytest.mark.parametrize("late_ms", [-120, 40, 200])
def test_a_picture_beside_its_sound_is_measured_to_a_few_milliseconds(
    tmp_path: Path, late_ms: int
) -> None:
    def shifted(samples: NDArray) -> NDArray:
        return np.roll(samples, -round(late_ms / 1000 * RATE))

    measured = measure_file(recording(tmp_path / "shifted.webm", LOW, sound=shifted), LOW)
    assert measured.picture_late_ms() == pytest.approx(late_ms, abs=8)


def test_silence_is_counted_in_lost_chirps_and_ends_with_the_next_sweep(tmp_path: Path) -> None:
    sounds = measure_file(recording(tmp_path / "cut.webm", LOW, sound=muted(1.9, 4.05)), LOW).sounds
    assert sounds.lost_share(0, SECONDS) == pytest.approx(5 / 12)
    assert sounds.lost_share(1.9, 4.05) == 1
    assert max(sounds.gaps) == pytest.approx(3.0, abs=0.01)
    assert sounds.longest_silence_s(0, SECONDS) == pytest.approx(2.3, abs=0.01)
    assert sounds.back_after_s(4.05) == pytest.approx(0.05, abs=0.01)
    assert sounds.back_after_s(SECONDS) == float("inf")


def test_a_standing_picture_is_frozen_for_as_long_as_it_stands(tmp_path: Path) -> None:
    def standing(number: int) -> int:
        return 39 if 40 <= number < 70 else number

    pictures = measure_file(
        recording(tmp_path / "frozen.webm", LOW, pictures=standing), LOW
    ).pictures
    assert pictures.frozen_share(0, SECONDS) == pytest.approx(1.55 / SECONDS, abs=0.01)
    assert pictures.frozen_share(2.5, 3.0) == 1
    assert pictures.back_after_s(2.5) == pytest.approx(1.0, abs=0.01)
    assert pictures.rate_hz(0, 1) == counter.RATE_HZ


def test_a_picture_without_every_second_frame_is_slow_but_not_frozen() -> None:
    samples = []
    for number in range(0, 100, 2):
        bits = [255.0 * (number >> bit & 1) for bit in range(8)]
        samples.append((number / 20, [*bits, *(255.0 - b for b in bits)]))
    pictures = counter.find(samples)
    assert pictures.frozen_share(0, 5) == 0
    assert pictures.rate_hz(0, 5) == 10


def test_a_mixture_of_two_pictures_is_not_read_as_a_third() -> None:
    mixed = (counter.draw(0b0101_0101).astype(int) + counter.draw(0b0011_0011)) // 2
    frame = av.VideoFrame.from_ndarray(mixed.astype(np.uint8), format="gray")
    assert counter.read(counter.squares(frame)) is None


@pytest.mark.parametrize("number", [0, 1, 85, 119])
def test_a_picture_scaled_down_to_a_quarter_is_read(number: int) -> None:
    frame = av.VideoFrame.from_ndarray(counter.draw(number), format="gray")
    small = frame.reformat(width=160, height=90)
    assert counter.read(counter.squares(small)) == number


# What loss and a jitter buffer do to chirps


def noise(power: float) -> NDArray:
    return np.random.default_rng(5).normal(0, power, SECONDS * RATE)


def test_noise_is_no_chirp() -> None:
    heard = chirps.find(noise(0.3), RATE, LOW)
    assert heard.chirps == heard.ticks == ()


def test_what_is_too_faint_to_be_heard_is_not_found() -> None:
    assert chirps.find(1e-4 * chirps.sound(LOW), RATE, LOW).chirps == ()


def test_chirps_are_found_in_noise_as_loud_as_themselves() -> None:
    heard = chirps.find(chirps.sound(LOW) + noise(LOUDNESS), RATE, LOW)
    assert heard.lost_share(0.25, SECONDS - 0.25) == 0


def test_a_chirp_of_which_one_packet_is_missing_is_heard_and_one_without_sound_is_not() -> None:
    samples = chirps.sound(LOW)
    samples[RATE : RATE + RATE // 50] = 0
    samples[2 * RATE : 2 * RATE + RATE // 10] = 0
    heard = chirps.find(samples, RATE, LOW)
    assert any(t == pytest.approx(1.0, abs=0.005) for t in heard.chirps)
    assert heard.lost_share(0.25, SECONDS - 0.25) == pytest.approx(1 / 11)


def test_chirps_of_a_jitter_buffer_that_hurries_are_heard() -> None:
    samples = chirps.sound(LOW)
    hurried = np.interp(np.arange(0, len(samples), 1.03), np.arange(len(samples)), samples)
    assert chirps.find(hurried, RATE, LOW).lost_share(0.25, 5.5) == 0


def test_a_span_without_an_expected_chirp_is_refused(whole: Measured) -> None:
    with pytest.raises(ValueError, match="no chirp is expected"):
        whole.sounds.lost_share(1.1, 1.2)


# A real page

PAGE = "http://localhost:9/"  # never asked for: the answer is made in the browser


async def test_a_page_is_listened_to_and_a_pause_of_its_devices_is_found(tmp_path: Path) -> None:
    async with browsing(tmp_path, MEASURED_RESIDENT) as (browser,):
        page = await browser.new_page()
        body = '<video id="own" autoplay muted></video><p class="told"></p>'
        await page.route(PAGE, lambda route: route.fulfill(body=body, content_type="text/html"))
        await page.goto(PAGE)
        await page.evaluate(
            """async () => {
                const wanted = { audio: true, video: { width: 640, height: 360 } };
                own.srcObject = await navigator.mediaDevices.getUserMedia(wanted);
            }"""
        )
        tap = await listen(page, "#own", LOW)
        paused_s, back_s, ended_s = await page.evaluate(
            """async () => {
                const seconds = (s) => new Promise((done) => setTimeout(done, 1000 * s));
                const now = () => (performance.timeOrigin + performance.now()) / 1000;
                const enable = (on, words) => {
                    for (const track of own.srcObject.getTracks()) track.enabled = on;
                    document.querySelector(".told").textContent = words;
                    return now();
                };
                await seconds(2);
                const paused = enable(false, "paused");
                await seconds(2);
                const back = enable(true, "");
                await seconds(2);
                return [paused, back, now()];
            }"""
        )
        taken = await tap.taken()
    assert abs(ended_s - time.time()) < 10  # the same clock as the test's
    assert taken.sounds.lost_share(paused_s - 1.5, paused_s - 0.1) == 0
    assert taken.sounds.lost_share(paused_s + 0.1, back_s - 0.1) == 1
    assert taken.sounds.lost_share(back_s + 0.1, ended_s - 0.1) == 0
    assert taken.sounds.longest_silence_s(paused_s - 1, ended_s) == pytest.approx(2.1, abs=0.2)
    assert taken.pictures.frozen_share(paused_s + 0.2, back_s) == 1
    assert taken.pictures.frozen_share(back_s + 0.2, ended_s) == 0
    assert taken.pictures.back_after_s(back_s) < 0.3
    assert taken.words_after_s(paused_s - 1, "paused") == pytest.approx(1, abs=0.2)
    assert taken.words_after_s(back_s + 0.2, "paused") == float("inf")
