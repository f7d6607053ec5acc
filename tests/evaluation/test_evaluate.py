"""A track through an estimator: what is scored, in which blocks, and what cannot be."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import soundfile
import torch

from helpers.scored_songs import RATE, song, write_song, write_songs
from vocalsep.api import Separator
from vocalsep.datasets.dataset import open_dataset
from vocalsep.datasets.track import Track
from vocalsep.errors import (
    DamagedAudioError,
    EmptyAudioError,
    NonFiniteAudioError,
    OptionError,
    UnfitTrackError,
    UnknownModelError,
)
from vocalsep.evaluation.estimators import open_estimator
from vocalsep.evaluation.evaluate import evaluate_track
from vocalsep.evaluation.metrics import chunk_sdr, sdr, si_sdr
from vocalsep.models.stft import istft, stft
from vocalsep.separation.options import SeparationOptions
from vocalsep.stem_names import STEMS


class Told:
    """An estimator that gives the true stems, changed by a function, in blocks of an odd size."""

    id, weights_sha256, settings = "told", None, {}

    def __init__(self, change=lambda samples: samples, block: int = 777) -> None:
        self.change, self.block = change, block

    def stems(self, track: Track) -> Iterator[dict[str, np.ndarray]]:
        for blocks in zip(*(track.blocks(stem, self.block) for stem in STEMS), strict=True):
            yield {stem: self.change(block) for stem, block in zip(STEMS, blocks, strict=True)}


def one_track(root) -> Track:
    (track,) = open_dataset(f"folders:{root}").tracks("all")
    return track


def whole(estimator, track: Track) -> torch.Tensor:
    """All of the estimates: ``(stem, channel, sample)``."""
    blocks = list(estimator.stems(track))
    return torch.from_numpy(
        np.stack([np.concatenate([block[stem] for block in blocks], axis=1) for stem in STEMS])
    )


def test_a_gain_error_has_its_level(tmp_path):
    track = one_track(write_songs(tmp_path, {"a": 3.3}))
    scores = evaluate_track(Told(lambda samples: np.float32(0.9) * samples), track)
    assert scores.seconds == pytest.approx(3.3)
    for stem in scores.stems.values():
        assert stem.sdr == pytest.approx(20, abs=1e-4)
        assert stem.chunk_sdr == pytest.approx(20, abs=1e-4)
        assert stem.si_sdr is None or stem.si_sdr > 120  # no error but the gain


def test_perfect_stems_have_no_finite_score(tmp_path):
    scores = evaluate_track(Told(), one_track(write_songs(tmp_path, {"a": 2.0})))
    assert {(stem.sdr, stem.chunk_sdr, stem.si_sdr) for stem in scores.stems.values()} == {(None, None, None)}


def test_an_instrumental_has_scores_of_its_accompaniment_alone(tmp_path):
    """As in the field: a silent stem has no sdr, and leaves museval no window of the song."""
    _, accompaniment = song(2.5)
    track = one_track(write_song(tmp_path / "songs/a", 0 * accompaniment, accompaniment).parent)
    scores = evaluate_track(Told(lambda samples: samples + np.float32(0.01)), track).stems
    assert (scores["vocals"].sdr, scores["vocals"].si_sdr) == (None, None)
    assert scores["accompaniment"].sdr == pytest.approx(10 * np.log10((accompaniment**2).mean() / 1e-4), abs=1e-3)
    assert [scores[stem].chunk_sdr for stem in STEMS] == [None, None]


def test_a_model_is_scored_as_it_splits(tmp_path):
    """The scores are those of the stems that the library gives for the whole mixture at once."""
    track = one_track(write_songs(tmp_path, {"a": 7.4}, rate=44100))
    options = SeparationOptions(precision="fp32", device="cpu", segment_seconds=2.0, shifts=1, wiener=1)
    scores = evaluate_track(open_estimator(None, options), track)
    separator = Separator(precision="fp32", device="cpu", segment_seconds=2.0, shifts=1, wiener=1)
    stems = separator.separate(track.read("mixture"), 44100)
    references, estimates = (
        torch.from_numpy(np.stack([source[stem] for stem in STEMS]))
        for source in ({stem: track.read(stem) for stem in STEMS}, stems)
    )
    chunks = chunk_sdr(references, estimates, window_samples=44100)
    for row, stem in enumerate(STEMS):
        assert scores.stems[stem].sdr == pytest.approx(float(sdr(references, estimates)[row]), abs=1e-6)
        assert scores.stems[stem].si_sdr == pytest.approx(float(si_sdr(references, estimates)[row]), abs=1e-6)
        assert scores.stems[stem].chunk_sdr == pytest.approx(float(chunks[row]), abs=1e-6)


def test_the_mask_oracle_is_far_above_the_mixture(tmp_path):
    track = one_track(write_songs(tmp_path, {"a": 9.0}))
    mixture, mask = (
        evaluate_track(open_estimator(name), track).stems for name in ("oracle:mixture", "oracle:irm")
    )
    # the error of the mixture as one stem is the other stem
    assert mixture["vocals"].sdr == pytest.approx(-mixture["accompaniment"].sdr)
    for stem in STEMS:
        assert mask[stem].sdr > mixture[stem].sdr + 8
        assert mask[stem].chunk_sdr > mixture[stem].chunk_sdr + 8
        assert mask[stem].si_sdr > mixture[stem].si_sdr + 8


def test_the_mask_oracle_in_segments_is_that_of_the_whole_song(tmp_path):
    track = one_track(write_songs(tmp_path, {"a": 16.1}))
    estimates = whole(open_estimator("oracle:irm"), track)
    mixture, stems = (
        torch.from_numpy(track.read("mixture")),
        torch.stack([torch.from_numpy(track.read(stem)) for stem in STEMS]),
    )
    sizes = {"n_fft": 2048, "hop_length": 1024}
    magnitudes = stft(stems, **sizes).abs()
    masked = stft(mixture, **sizes) * magnitudes / magnitudes.sum(dim=0).clamp(min=1e-30)
    expected = istft(masked, **sizes, length=track.n_samples)
    assert (sdr(expected, estimates) > 25).all()  # the segments' windows lie elsewhere on the song
    assert (estimates.sum(dim=0) - mixture).abs().max() < 1e-5


@pytest.mark.parametrize("oracle", ["oracle:irm", "oracle:mixture"])
def test_a_long_song_is_never_held(tmp_path, monkeypatch, oracle):
    track = one_track(write_songs(tmp_path, {"a": 120.0}))
    reads = []
    read = Track.read

    def counted(self, stem, start=0, n_samples=None):
        reads.append(n_samples)
        return read(self, stem, start, n_samples)

    monkeypatch.setattr(Track, "read", counted)
    done = []
    evaluate_track(open_estimator(oracle), track, lambda seconds, total: done.append((seconds, total)))
    assert max(reads) <= 2**18 < track.n_samples / 3
    assert done[-1] == (120.0, 120.0)
    assert len(done) > 2


def test_a_song_with_mono_and_stereo_stems_and_a_mixture_of_its_own(tmp_path):
    """The mixture that is there is what is separated, though it is not the sum."""
    vocals, accompaniment = song(2.0)
    folder = write_song(tmp_path / "songs/a", vocals[:1], accompaniment)
    soundfile.write(folder / "mixture.wav", (0.5 * (vocals[:1] + accompaniment)).T, RATE, subtype="FLOAT")
    scores = evaluate_track(open_estimator("oracle:mixture"), one_track(folder.parent)).stems
    error = 0.5 * (vocals[:1] + accompaniment) - accompaniment
    expected = 10 * np.log10((accompaniment**2).sum() / (error**2).sum())
    assert scores["accompaniment"].sdr == pytest.approx(expected, abs=1e-4)


def test_estimates_that_are_no_numbers_are_an_error(tmp_path):
    track = one_track(write_songs(tmp_path, {"a": 1.0}))
    with pytest.raises(NonFiniteAudioError, match="track 'a'"):
        evaluate_track(Told(lambda samples: samples * np.float32(np.nan)), track)


def test_a_file_that_ends_in_the_middle_of_the_song_is_named(tmp_path):
    track = one_track(write_songs(tmp_path, {"a": 2.0}))
    vocals = tmp_path / "a/vocals.wav"
    vocals.write_bytes(vocals.read_bytes()[: RATE * 8])
    with pytest.raises(DamagedAudioError, match=r"vocals\.wav"):
        evaluate_track(Told(), track)


def test_tracks_that_cannot_be_scored(tmp_path):
    write_songs(tmp_path / "songs", {"a": 1.0})
    (tmp_path / "pool").mkdir()
    soundfile.write(tmp_path / "pool/b.wav", np.zeros(100), RATE)
    one_sided = open_dataset(f"pools:{tmp_path / 'songs/a'},{tmp_path / 'pool'}").tracks("all")[0]
    with pytest.raises(UnfitTrackError, match="has no accompaniment"):
        evaluate_track(Told(), one_sided)
    write_song(tmp_path / "empty/a", np.zeros((2, 0)), np.zeros((2, 0)))
    with pytest.raises(EmptyAudioError, match="track 'a'"):
        evaluate_track(Told(), one_track(tmp_path / "empty"))


def test_models_that_are_none():
    with pytest.raises(UnknownModelError, match=r"oracle:irm and oracle:mixture"):
        open_estimator("oracle:delphi")
    with pytest.raises(UnknownModelError):
        open_estimator("no-such-model")
    with pytest.raises(OptionError, match="oracle:irm"):
        open_estimator("oracle:irm", SeparationOptions(shifts=2))
