"""Where the stems of songs go, and what their files are."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args

from vocalsep.audio.formats import Clip, OutputFormat
from vocalsep.errors import OptionError
from vocalsep.stem_names import STEMS
from vocalsep.template import DEFAULT_TEMPLATE, check_template, stem_paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Outputs:
    """Where the stems of songs go, and what their files are.

    Each field is a keyword of `vocalsep.api.Separator.separate_file` too. A test compares the two.

    Attributes:
        folder: output folder, which is made if it is not there.
        template: path of a stem under the folder.
        stems: names of the stems to write.
        format: encoding of the files.
        clip: what to do where integers or a lossy format would clip: ``rescale`` all stems by one gain, or
            ``clamp`` each sample.
        downmix: whether stems of more than two channels are brought down to stereo once they are separated.
        overwrite: whether files that exist are replaced.

    Raises:
        OptionError: a stem or a way to clip is unknown, or there are no stems.
        TemplateError: the template is malformed, or would give both stems one name.
    """

    folder: Path
    template: str = DEFAULT_TEMPLATE
    stems: tuple[str, ...] = STEMS
    format: OutputFormat = field(default_factory=OutputFormat)
    clip: Clip = "rescale"
    downmix: bool = False
    overwrite: bool = False

    def __post_init__(self) -> None:
        check_template(self.template)
        unknown = [stem for stem in self.stems if stem not in STEMS]
        if unknown or not self.stems:
            raise OptionError(
                f"unknown stem '{unknown[0]}'" if unknown else "no stem", f"Known: {', '.join(STEMS)}."
            )
        if self.clip not in get_args(Clip):
            raise OptionError(f"unknown clip '{self.clip}'", f"Known: {', '.join(get_args(Clip))}.")

    def paths(self, track: str, model: str, stems: Iterable[str] | None = None) -> dict[str, Path]:
        """The file of each stem of a song.

        Args:
            track: name of the song.
            model: id of the model.
            stems: names of stems; None takes those that are written.

        Raises:
            TemplateError: a path leaves the folder.
        """
        return stem_paths(
            self.folder,
            self.template,
            track=track,
            stems=self.stems if stems is None else stems,
            ext=self.format.extension,
            model=model,
        )
