"""The page in a real browser."""

import io
import itertools
import os
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile

from helpers.web_page import EXAMPLE, web_server
from vocalsep import Separator

pytest.importorskip("gradio")

LONGEST_OFFSET = 0.005

STATE = "() => vocalsep.player.engine.state"
POSITION = "() => vocalsep.player.engine.position / vocalsep.player.engine.rate"
# Both analysers as they were at one time: the first is read again behind the second, and has heard nothing new.
BOTH = """() => {
  const { vocals, accompaniment } = vocalsep.player.engine.analysers;
  const read = (analyser) => {
    const samples = new Float32Array(analyser.fftSize);
    analyser.getFloatTimeDomainData(samples);
    return Array.from(samples);
  };
  for (let take = 0; take < 1000; take += 1) {
    const before = read(vocals);
    const other = read(accompaniment);
    const after = read(vocals);
    if (before.every((sample, i) => sample === after[i])) return { vocals: before, accompaniment: other };
  }
  return null;
}"""


@pytest.fixture
def errors() -> list[str]:
    return []


@pytest.fixture
def page(server, browser, errors):
    with browser.new_context(viewport={"width": 1280, "height": 900}, accept_downloads=True) as context:
        page = opened(context, server, errors)
        yield page
        for song in page.evaluate("() => vocalsep.songs.map((song) => song.id)"):
            if known := server.sessions.song(song):
                server.jobs.cancel(known)  # the next test needs the queue
        assert errors == []


def opened(context, server, errors):
    page = context.new_page()
    page.set_default_timeout(120_000)
    page.on("pageerror", lambda error: errors.append(str(error)))

    def complain(message) -> None:
        url = message.location.get("url", "")
        if "409" in message.text and "/audio?" in url:
            return  # sound of a song that was cancelled a moment ago
        # Gradio asks for these beside the page and not below it, where a token keeps them shut
        if message.type == "error" and not url.endswith(("/manifest.json", "/favicon.ico")):
            errors.append(f"{message.text} {url}")

    page.on("console", complain)
    page.on(
        "request", lambda asked: asked.url.startswith((server.url, "blob:", "data:")) or errors.append(asked.url)
    )
    page.goto(server.url)
    page.wait_for_selector(".vs-drop")
    return page


def choose(page, *paths: Path) -> None:
    page.set_input_files("input[aria-label='Choose songs']", [str(path) for path in paths])


def wait_for_state(page, state: str, seconds: float = 90) -> None:
    page.wait_for_selector(f"li[data-state={state}]", timeout=1000 * seconds)


def separated(page, path: Path = EXAMPLE) -> None:
    choose(page, path)
    wait_for_state(page, "ready")
    page.click("#vs-start")
    wait_for_state(page, "done")
    page.wait_for_function(f"({STATE})() === 'playing'")


def seek(page, seconds: float) -> None:
    page.evaluate(
        """(s) => {
          const engine = vocalsep.player.engine;
          engine.seek(s * engine.rate);
          if (engine.state === "paused") engine.play();  // a slow machine has come to the end of the song
        }""",
        seconds,
    )
    page.wait_for_function(f"({STATE})() === 'playing' && ({POSITION})() > {seconds}")
    page.wait_for_timeout(150)  # for the analysers to be full of what comes now


@pytest.fixture(scope="module")
def stems(tmp_path_factory) -> dict[str, np.ndarray]:
    """What the command makes of the demo song, as the mean of both channels, with its rate."""
    outputs = Separator().separate_file(EXAMPLE, tmp_path_factory.mktemp("command")).outputs
    return {stem: soundfile.read(path, dtype="float32")[0].mean(axis=1) for stem, path in outputs.items()}


def place_of(window: np.ndarray, whole: np.ndarray) -> tuple[int, float]:
    """Where in the whole a window is found, and how alike both are there, 0 to 1."""
    n = len(whole) + len(window)
    product = np.fft.irfft(np.fft.rfft(whole, n) * np.conj(np.fft.rfft(window, n)), n)[: len(whole) - len(window)]
    power = np.concatenate([[0], np.cumsum(whole.astype(float) ** 2)])
    norms = np.sqrt(np.maximum(power[len(window) :] - power[: -len(window)], 1e-9))[: len(product)]
    alike = product / (norms * np.linalg.norm(window) + 1e-9)
    return int(np.argmax(alike)), float(alike.max())


def heard(page, *sounding: str) -> dict[str, np.ndarray]:
    """What is heard of both stems at one time, at which some of them sound."""
    for _ in range(100):
        windows = page.evaluate(BOTH)
        if windows and all(np.any(windows[stem]) for stem in sounding):
            return {stem: np.array(window, np.float32) for stem, window in windows.items()}
        page.wait_for_timeout(50)
    raise AssertionError(f"nothing is heard at {page.evaluate(POSITION)} s, {page.evaluate(STATE)}")


def level_of(page, stems, stem: str, by: str) -> float:
    """The factor at which a stem is heard, at the place where another one, which sounds, is heard."""
    windows = heard(page, by)
    place, alike = place_of(windows[by], stems[by])
    assert alike > 0.9
    expected = stems[stem][place : place + len(windows[stem])]
    return float(windows[stem] @ expected / (expected @ expected))


def test_drop_play_and_both_stems_advance_together(page, stems):
    drop = """async ([name, bytes]) => {
      const data = new DataTransfer();
      data.items.add(new File([Uint8Array.from(bytes)], name));
      document.querySelector(".vs-drop").dispatchEvent(
        new DragEvent("drop", { dataTransfer: data, bubbles: true, cancelable: true }));
    }"""
    page.evaluate(drop, [EXAMPLE.name, list(EXAMPLE.read_bytes())])
    wait_for_state(page, "ready")
    page.click("#vs-start")
    wait_for_state(page, "done")
    page.wait_for_function(f"({STATE})() === 'playing'")
    rate = page.evaluate("() => vocalsep.player.engine.rate")
    for second in range(4, 10):
        seek(page, second)
        places = []
        for _ in range(2):
            windows = heard(page, *stems)
            found = {stem: place_of(windows[stem], stems[stem]) for stem in stems}
            assert min(alike for _, alike in found.values()) > 0.98, found
            assert abs(found["vocals"][0] - found["accompaniment"][0]) / rate < LONGEST_OFFSET
            places.append(found["vocals"][0] / rate)
            page.wait_for_timeout(200)
        assert second - 0.1 < places[0] < places[1]
    assert page.evaluate("() => vocalsep.player.engine.context.state") == "running"


def test_faders_mute_and_solo_change_what_is_heard(page, stems):
    separated(page)

    def levels(by: str) -> tuple[float, float]:
        seek(page, 4)
        page.wait_for_timeout(150)  # for the fader to arrive
        return level_of(page, stems, "vocals", by), level_of(page, stems, "accompaniment", by)

    for percent in (50, 150, 100):
        page.locator("#vs-fader-vocals").fill(str(percent))
        assert levels("accompaniment") == pytest.approx((percent / 100, 1), abs=0.02)
    page.click("[aria-label='Mute Accompaniment']")
    assert levels("vocals") == pytest.approx((1, 0), abs=0.02)
    page.click("[aria-label='Mute Accompaniment']")
    page.click("[aria-label='Solo Accompaniment']")
    assert levels("accompaniment") == pytest.approx((0, 1), abs=0.02)
    page.click("[aria-label='Solo Accompaniment']")
    page.click("text=Karaoke")
    assert levels("accompaniment") == pytest.approx((0, 1), abs=0.02)
    assert page.locator("#vs-fader-vocals").input_value() == "0"
    page.click("text=Karaoke")
    assert page.locator("#vs-fader-vocals").input_value() == "100"


def test_seek_and_loop(page):
    separated(page)
    box = page.locator(".vs-wave").bounding_box()
    page.mouse.click(box["x"] + box["width"] / 2, box["y"] + 20)
    page.wait_for_function(f"({STATE})() === 'playing'")
    assert page.evaluate(POSITION) == pytest.approx(15.9 / 2, abs=0.6)
    page.keyboard.press("a")
    page.wait_for_timeout(900)
    page.keyboard.press("b")
    loop = page.evaluate("() => vocalsep.player.engine.loop")
    rate = page.evaluate("() => vocalsep.player.engine.rate")
    length = (loop["to"] - loop["from"]) / rate
    assert 0.5 < length < 3
    places = []
    for _ in range(30):
        places.append(page.evaluate(POSITION))
        page.wait_for_timeout(100)
    assert min(places) >= loop["from"] / rate - 0.01
    assert max(places) <= loop["to"] / rate + 0.01
    assert any(b < a for a, b in itertools.pairwise(places))
    page.keyboard.press("l")
    page.wait_for_function(f"({POSITION})() > {loop['to'] / rate + 0.3}", timeout=60_000)


def test_keys(page):
    separated(page)
    page.locator(".vs-wave").focus()
    page.keyboard.press("Space")
    assert page.evaluate(STATE) == "paused"
    before = page.evaluate(POSITION)
    page.keyboard.press("ArrowRight")
    assert page.evaluate(POSITION) == pytest.approx(before + 5, abs=0.01)
    page.keyboard.press("ArrowLeft")
    assert page.evaluate(POSITION) == pytest.approx(before, abs=0.01)
    page.keyboard.press("k")
    assert page.locator("#vs-fader-vocals").input_value() == "0"
    page.locator("#vs-fader-vocals").focus()
    page.keyboard.press("ArrowRight")
    assert page.locator("#vs-fader-vocals").input_value() == "1"
    assert page.evaluate(POSITION) == pytest.approx(before, abs=0.01)
    page.locator("body").press("Space")
    page.wait_for_function(f"({STATE})() === 'playing'")


def test_everything_is_reached_by_keys_and_has_a_name(page):
    separated(page)
    reached = set()
    for _ in range(80):
        page.keyboard.press("Tab")
        reached.add(
            page.evaluate(
                "() => { const e = document.activeElement;"
                " return e.getAttribute('aria-label') || e.labels?.[0]?.innerText || e.innerText || e.tagName; }"
            )
        )
    for name in ("Position in the song", "Pause", "Vocals", "Accompaniment", "Mute Vocals", "Solo Accompaniment"):
        assert any(name in one for one in reached), (name, sorted(reached))
    for name in (
        "Choose files",
        "Choose a folder",
        "Start",
        "Download: Vocals",
        "Download: This mix",
        "Remove demo",
    ):
        assert any(name in one for one in reached), (name, sorted(reached))
    nameless = page.evaluate(
        """() => [...document.querySelectorAll("button, a[href], input, [role=slider]")]
          .filter((e) => e.offsetParent && !e.ariaLabel && !e.labels?.length && !e.innerText.trim())
          .map((e) => e.outerHTML.slice(0, 200))"""
    )
    assert nameless == []


@pytest.mark.parametrize("stem", ["Vocals", "Accompaniment"])
def test_downloads_are_the_stems_of_the_command(page, tmp_path, stem):
    separated(page)
    with page.expect_download() as download:
        page.click(f"[aria-label='Download: {stem}']")
    assert download.value.suggested_filename == f"demo - {stem.lower()}.wav"
    samples, _ = soundfile.read(download.value.path(), dtype="float32")
    outputs = Separator().separate_file(EXAMPLE, tmp_path).outputs
    assert np.array_equal(samples, soundfile.read(outputs[stem.lower()], dtype="float32")[0])


def test_the_mix_has_the_faders_in_it(page, stems):
    separated(page)
    page.click("text=Karaoke")
    with page.expect_download() as download:
        page.click("[aria-label='Download: This mix']")
    assert download.value.suggested_filename == "demo - karaoke.wav"
    samples, _ = soundfile.read(download.value.path(), dtype="float32")
    assert np.abs(samples.mean(axis=1) - stems["accompaniment"]).max() < 2 / 32768


def test_one_bad_file_is_named_and_the_others_go_on(page, tmp_path):
    text = tmp_path / "words.mp3"
    text.write_text("la la la " * 1000)
    choose(page, text, EXAMPLE)
    wait_for_state(page, "ready")
    wait_for_state(page, "failed")
    words = page.inner_text("li[data-state=failed]")
    assert "words.mp3 is not audio" in words
    assert "/tmp" not in page.inner_text("body")
    page.click("#vs-start")
    wait_for_state(page, "done")
    assert page.locator("li[data-state=failed]").count() == 1


def test_cancel_in_the_middle(page, long_song, server):
    choose(page, long_song)
    wait_for_state(page, "ready")
    page.click("#vs-start")
    wait_for_state(page, "running")
    page.wait_for_function("() => vocalsep.songs[0].samples > 0", timeout=120_000)
    song = page.evaluate("() => vocalsep.songs[0].id")
    page.click("[aria-label^=Cancel]")
    wait_for_state(page, "cancelled")
    files = [path.name for path in server.sessions.folder.rglob("*") if path.is_file() and song in str(path)]
    assert files == [long_song.name]
    page.click("[aria-label^=Remove]")
    page.wait_for_function("() => vocalsep.songs.length === 0")
    assert not [path for path in server.sessions.folder.rglob("*") if song in str(path)]


def test_sound_before_the_end(page, long_song):
    choose(page, long_song)
    wait_for_state(page, "ready")
    page.wait_for_function("() => !document.querySelector('vocalsep-model').innerText.includes('first song')")
    began = time.monotonic()
    page.click("#vs-start")
    page.wait_for_function(
        "() => vocalsep.player.engine.meter('accompaniment') > 0.001", polling=20, timeout=120_000
    )
    seconds = time.monotonic() - began
    assert page.locator("li[data-state=running]").count() == 1
    busy = max(1.0, os.getloadavg()[0] / os.cpu_count())
    print(f"first sound after {seconds:.2f} s, {busy:.1f} programs a core")
    assert seconds < 5 * busy  # 5 s where the machine has nothing else to do
    drawn = page.evaluate("() => vocalsep.songs[0].peaks")
    page.wait_for_function(f"() => vocalsep.songs[0].peaks > {drawn} + 100", timeout=120_000)
    page.click("[aria-label^=Cancel]")
    wait_for_state(page, "cancelled")


def test_two_people_see_their_own_songs(server, browser, errors, tmp_path):
    import shutil

    mine = Path(shutil.copy(EXAMPLE, tmp_path / "mine.mp3"))
    yours = Path(shutil.copy(EXAMPLE, tmp_path / "yours.mp3"))
    with browser.new_context() as first, browser.new_context() as second:
        one, other = opened(first, server, errors), opened(second, server, errors)
        choose(one, mine)
        choose(other, yours)
        for page in (one, other):
            wait_for_state(page, "ready")
            page.click("#vs-start")
        for page, name in ((one, "mine"), (other, "yours")):
            wait_for_state(page, "done")
            assert page.evaluate("() => vocalsep.songs.map((song) => song.track)") == [name]
    assert errors == []


def test_reload_in_the_middle(page, long_song):
    choose(page, long_song)
    wait_for_state(page, "ready")
    page.click("#vs-start")
    page.wait_for_function("() => vocalsep.songs[0].samples > 0", timeout=120_000)
    page.reload()
    wait_for_state(page, "running")
    before = page.evaluate("() => vocalsep.songs[0].samples")
    page.click("[aria-label=Play]")
    page.wait_for_function(f"({STATE})() === 'playing'", timeout=120_000)
    page.wait_for_function(f"() => vocalsep.songs[0].samples > {before}", timeout=120_000)
    page.click("[aria-label^=Cancel]")
    wait_for_state(page, "cancelled")


def test_a_recording(page):
    page.click("text=Record")
    page.wait_for_timeout(2000)
    page.click("text=Stop recording")
    wait_for_state(page, "ready")
    assert 1 < page.evaluate("() => vocalsep.songs[0].seconds") < 4


def test_spectrograms(page):
    separated(page)
    page.click("summary")
    drawn = "[...document.querySelectorAll('.vs-pictures img')].filter((one) => one.naturalWidth === 900)"
    page.wait_for_function(f"() => {drawn}.length === 3")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 800, 1440])
def test_it_fits_every_screen(server, browser, errors, width, scheme):
    with browser.new_context(viewport={"width": width, "height": 800}, color_scheme=scheme) as context:
        page = opened(context, server, errors)
        separated(page)
        assert page.evaluate("() => document.documentElement.scrollWidth") <= width
        cut = page.evaluate(
            """() => [...document.querySelectorAll(".vs-card *, .vs-song *")]
              .filter((e) => e.offsetParent && e.getBoundingClientRect().right >
                e.closest(".vs-card, .vs-song").getBoundingClientRect().right + 1)
              .map((e) => e.className)"""
        )
        assert cut == []
    assert errors == []


def test_mono_and_a_high_rate_are_heard(page, tmp_path):
    rate = 192_000
    time_ = np.arange(3 * rate) / rate
    path = tmp_path / "mono.wav"
    soundfile.write(path, 0.3 * np.sin(2 * np.pi * 220 * time_), rate, subtype="PCM_24")
    separated(page, path)
    assert page.evaluate("() => vocalsep.player.engine.rate") == 48_000
    seek(page, 1)
    assert (
        page.evaluate("() => Math.max(...['vocals', 'accompaniment'].map((s) => vocalsep.player.engine.meter(s)))")
        > 0.1
    )


def test_a_token_is_enough_for_the_whole_page(browser, errors):
    with web_server(host="0.0.0.0") as started, browser.new_context() as context:
        started.url = started.url.replace("0.0.0.0", "127.0.0.1")
        page = opened(context, started, errors)
        separated(page)
        with page.expect_download() as download:
            page.click("[aria-label='Download: Vocals']")
        assert soundfile.info(io.BytesIO(Path(download.value.path()).read_bytes())).duration > 15
    assert errors == []
