import pickle

import numpy as np
import pytest
import soundfile
import torch

import vocalsep
from helpers.stem_reading import leftovers, read
from vocalsep import Separator, SplitResult, list_models, load_model
from vocalsep.audio.formats import OutputFormat
from vocalsep.audio.reader import open_audio
from vocalsep.errors import NonFiniteAudioError, OptionError, OutputExistsError


@pytest.fixture(scope="module")
def separator():
    return Separator(device="cpu", precision="fp32")


@pytest.fixture
def song(tmp_path, tone):
    path = tmp_path / "song.wav"
    soundfile.write(path, tone.T, 44100, subtype="FLOAT")
    return path


def test_arrays_and_tensors_come_back_as_they_came(separator, tone):
    arrays = separator.separate(tone, 44100)
    tensors = separator.separate(torch.from_numpy(tone), 44100)
    for stem in ("vocals", "accompaniment"):
        assert isinstance(arrays[stem], np.ndarray)
        assert isinstance(tensors[stem], torch.Tensor)
        assert arrays[stem].shape == tone.shape
        np.testing.assert_array_equal(tensors[stem].numpy(), arrays[stem])
    np.testing.assert_allclose(arrays["vocals"] + arrays["accompaniment"], tone, atol=1e-6)


def test_one_axis_is_mono(separator, tone):
    stems = separator.separate(tone[0], 44100)
    assert stems["vocals"].shape == tone[0].shape
    both = separator.separate(np.stack([tone[0], tone[0]]), 44100)
    np.testing.assert_allclose(stems["vocals"], both["vocals"].mean(axis=0), atol=1e-6)


def test_float64_and_integers_are_taken_for_what_they_are(separator, tone):
    stems = separator.separate(tone.astype(np.float64), 44100)
    np.testing.assert_array_equal(stems["vocals"], separator.separate(tone, 44100)["vocals"])
    with pytest.raises(OptionError, match="int16"):
        separator.separate((tone * 32767).astype(np.int16), 44100)


def test_the_path_of_a_file_is_no_waveform(separator):
    with pytest.raises(OptionError, match="for a file there is separate_file"):
        separator.separate("short.wav", 44100)


@pytest.mark.parametrize("shape", [(2, 0), (0,), (1, 2, 3), (500, 2)])
def test_waveforms_of_no_use(separator, shape):
    with pytest.raises(OptionError, match="shape"):
        separator.separate(np.zeros(shape, np.float32), 44100)


@pytest.mark.parametrize("value", [np.nan, np.inf, 1e300])
def test_samples_that_are_no_numbers(separator, tone, value):
    bad = tone.astype(np.float64)
    bad[1, 50_000] = value
    with pytest.raises(NonFiniteAudioError, match="not a finite number"):
        separator.separate(bad, 44100)
    with pytest.raises(NonFiniteAudioError):
        list(separator.stream([tone, bad], 44100))


def test_tensors_of_every_precision(separator, tone):
    for dtype in (torch.bfloat16, torch.float16, torch.float64):
        tensor = torch.from_numpy(tone).to(dtype)
        expected = separator.separate(tensor.float().numpy(), 44100)["vocals"]
        np.testing.assert_array_equal(separator.separate(tensor, 44100)["vocals"].numpy(), expected)
        (block,) = separator.stream([tensor[:, :20_000].requires_grad_()], 44100)
        assert block["vocals"].dtype == np.float32
    with pytest.raises(OptionError, match="int16"):
        list(separator.stream([torch.zeros(2, 100, dtype=torch.int16)], 44100))
    with pytest.raises(OptionError, match=r"shape \(100,\)"):
        list(separator.stream([tone[0, :100]], 44100))
    with pytest.raises(OptionError, match=r"shape \(0, 100\)"):
        list(separator.stream([tone[:0, :100]], 44100))


def test_lists_are_blocks_too(separator, tone):
    (expected,) = separator.stream([tone[:, :100]], 44100)
    (block,) = separator.stream([tone[:, :100].tolist()], 44100)
    np.testing.assert_array_equal(block["vocals"], expected["vocals"])
    with pytest.raises(OptionError, match="not \\(channel, sample\\)"):
        list(separator.stream([[[0.0], [0.0, 0.5]]], 44100))


def test_a_source_may_use_its_buffer_again(separator, tone):
    def blocks():
        buffer = np.empty((2, 4410), np.float32)
        for i in range(0, 44100, 4410):
            buffer[:] = tone[:, i : i + 4410]
            yield buffer

    sums = [block["vocals"] + block["accompaniment"] for block in separator.stream(blocks(), 44100)]
    np.testing.assert_allclose(np.concatenate(sums, axis=1), tone[:, :44100], atol=1e-6)


def test_stream_is_the_same_whatever_the_blocks(separator, tone):
    whole = separator.separate(tone, 44100)["vocals"]
    blocks = [tone[:, i : i + 1234] for i in range(0, tone.shape[1], 1234)]
    streamed = np.concatenate([block["vocals"] for block in separator.stream(blocks, 44100)], axis=1)
    np.testing.assert_array_equal(streamed, whole)
    assert list(separator.stream([], 44100)) == []


def test_a_file_gives_what_its_array_gives(separator, song, tone, tmp_path):
    seen = []
    result = separator.separate_file(
        song, tmp_path / "out", progress=lambda done, total: seen.append((done, total))
    )
    assert isinstance(result, SplitResult)
    assert result.outputs == {
        stem: tmp_path / "out" / "song" / f"{stem}.wav" for stem in ("vocals", "accompaniment")
    }
    stems = separator.separate(tone, 44100)
    for stem, path in result.outputs.items():
        np.testing.assert_array_equal(read(path), stems[stem])
    assert seen[-1] == (2.0, 2.0)
    assert (result.seconds, result.sample_rate, result.channels, result.gain) == (2.0, 44100, 2, 1.0)
    assert (result.device, result.precision, result.silent) == ("cpu", "fp32", False)
    assert result.real_time_factor == result.wall_seconds / 2
    assert leftovers(tmp_path) == []


def test_options_of_a_file(separator, song, tmp_path):
    result = separator.separate_file(
        str(song),
        str(tmp_path),
        stems=["vocals"],
        template="{model}/{track}.{stem}.{ext}",
        track="renamed",
        format=OutputFormat(container="flac", depth="16"),
    )
    path = tmp_path / result.model / "renamed.vocals.flac"
    assert result.outputs == {"vocals": path}
    assert soundfile.info(path).subtype == "PCM_16"
    with pytest.raises(OutputExistsError):
        separator.separate_file(
            song,
            tmp_path,
            stems=["vocals"],
            template="{model}/{track}.{stem}.{ext}",
            track="renamed",
            format=OutputFormat(container="flac"),
        )
    with pytest.raises(OptionError, match="unknown stem 'drums'"):
        separator.separate_file(song, tmp_path, stems=["drums"])
    with pytest.raises(OptionError, match="unknown clip 'foo'"):
        separator.separate_file(song, tmp_path, clip="foo")


def test_a_callback_that_raises_stops_the_work_and_leaves_nothing(separator, song, tmp_path):
    def stop(done, total):
        raise RuntimeError("enough")

    with pytest.raises(RuntimeError, match="enough"):
        separator.separate_file(song, tmp_path / "out", progress=stop)
    assert not (tmp_path / "out").exists()
    (tmp_path / "out" / "song").mkdir(parents=True)
    with pytest.raises(RuntimeError, match="enough"):
        separator.separate_file(song, tmp_path / "out", progress=stop, track="song/live")
    assert list((tmp_path / "out").rglob("*")) == [tmp_path / "out" / "song"]  # it was there before


def test_an_output_that_appears_meanwhile_is_kept(separator, song, tmp_path):
    """Another process is as far: who comes first keeps its files, and the other takes its own back."""

    def other(done, total):
        (tmp_path / "song" / "accompaniment.wav").write_bytes(b"theirs")

    with pytest.raises(OutputExistsError, match=r"accompaniment\.wav exists"):
        separator.separate_file(song, tmp_path, progress=other)
    assert [path.name for path in (tmp_path / "song").iterdir()] == ["accompaniment.wav"]
    assert (tmp_path / "song" / "accompaniment.wav").read_bytes() == b"theirs"
    separator.separate_file(song, tmp_path, progress=other, overwrite=True)
    assert soundfile.info(tmp_path / "song" / "accompaniment.wav").frames == 88200


@pytest.mark.parametrize("way", ["straight", "through a link"])
def test_the_input_is_never_replaced(separator, song, tmp_path, way):
    (tmp_path / "song").mkdir()
    stem = song.rename(tmp_path / "song" / "vocals.wav")
    before = stem.read_bytes()
    folder = tmp_path
    if way == "through a link":
        folder = tmp_path / "link"
        folder.symlink_to(tmp_path)
    with pytest.raises(OutputExistsError, match=r"vocals\.wav is the input itself"):
        separator.separate_file(stem, folder, track="song", overwrite=True)
    assert stem.read_bytes() == before


def test_pickled_it_loads_its_model_again(tone):
    separator = Separator(device="cpu", precision="fp32", segment_seconds=1.0, overlap=0.25)
    pickled = pickle.dumps(separator)
    assert len(pickled) < 1000
    again = pickle.loads(pickled)
    assert again.model_id == separator.model_id
    vocals = separator.separate(tone, 44100)["vocals"]
    np.testing.assert_array_equal(again.separate(tone, 44100)["vocals"], vocals)
    default = Separator(device="cpu", precision="fp32").separate(tone, 44100)["vocals"]
    assert not np.array_equal(vocals, default)  # the settings were pickled too


def test_public_names():
    assert set(vocalsep.__all__) == {"Separator", "SplitResult", "__version__", "list_models", "load_model"}
    assert {"umx", "tdf", "tdsa", "tdt", "mdx23c", "melband-kim"} < {entry.id for entry in list_models()}
    assert load_model().config.sample_rate == 44100
    with pytest.raises(AttributeError, match="no attribute 'nope'"):
        _ = vocalsep.nope


@pytest.mark.parametrize(
    "rate", [0, -1, 1, 999, 10**8, "44100", 48000.5, None, float("nan"), float("inf"), 44100 + 0j]
)
def test_sample_rates_that_are_none(separator, tone, rate):
    for call in (
        lambda: separator.separate(tone, rate),
        lambda: list(separator.stream([tone], rate)),
    ):
        with pytest.raises(OptionError, match="sample rate") as refused:
            call()
        assert repr(rate) in refused.value.message


@pytest.mark.parametrize("rate", [44100.0, np.int64(44100), np.float32(44100)])
def test_sample_rates_of_other_types(separator, tone, rate):
    np.testing.assert_array_equal(
        separator.separate(tone, rate)["vocals"], separator.separate(tone, 44100)["vocals"]
    )


@pytest.mark.parametrize("channels", [1, 3])
def test_blocks_that_change_their_channels_are_refused(separator, tone, channels):
    blocks = [tone, np.zeros((channels, 5000), np.float32)]
    with pytest.raises(OptionError, match=f"{channels} channels comes after one of 2"):
        list(separator.stream(blocks, 44100))


@pytest.mark.parametrize(
    "option",
    [
        {"overlap": "0.5"},
        {"overlap": float("nan")},
        {"segment_seconds": "7"},
        {"batch_size": 1.5},
        {"batch_size": 0},
        {"shifts": "1"},
        {"wiener": 0.5},
        {"threads": "2"},
    ],
)
def test_settings_of_a_wrong_type_are_refused(option):
    (value,) = option.values()
    with pytest.raises(OptionError, match=str(value)):
        Separator(**option)


@pytest.mark.parametrize("container", ["wav", "flac", "mp3", "ogg", "opus", "m4a"])
def test_a_format_by_name(separator, song, tmp_path, container):
    result = separator.separate_file(song, tmp_path, stems="vocals", format=container)
    assert result.outputs == {"vocals": tmp_path / f"song/vocals.{container}"}
    with open_audio(result.outputs["vocals"]) as audio:
        assert (audio.info.channels, sum(block.shape[1] for block in audio.blocks())) == (
            2,
            88200 if container != "opus" else 96000,
        )


@pytest.mark.parametrize("format", ["aiff", "MP3", "", 3, b"mp3"])
def test_formats_that_are_none(separator, song, tmp_path, format):
    with pytest.raises(OptionError, match=f"unknown output format {format!r}"):
        separator.separate_file(song, tmp_path / "out", format=format)
    assert not (tmp_path / "out").exists()
