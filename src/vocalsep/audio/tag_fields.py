"""The fields of a song's tags, and what each kind of tag calls them."""

from __future__ import annotations

from dataclasses import dataclass

_ITUNES = "----:com.apple.iTunes:"


@dataclass(frozen=True, slots=True)
class TagField:
    """A field of a song's tags.

    Attributes:
        name: name in a Vorbis comment, in lower case; it is the name in `vocalsep.audio.tags.Tags` too.
        id3: the ID3 frame; behind a colon the description of a TXXX frame, or the owner of a UFID frame.
        mp4: the MP4 atom.
        others: names in APE and ASF tags, in Matroska, and what FFmpeg calls it.
    """

    name: str
    id3: str
    mp4: str
    others: tuple[str, ...] = ()


def _free(name: str, title: str, *others: str) -> TagField:
    """A field that ID3 and MP4 do not know: it is written under a title."""
    return TagField(name, f"TXXX:{title}", _ITUNES + title, (title, *others))


def _musicbrainz(name: str, title: str) -> TagField:
    return _free(name, f"MusicBrainz {title}", f"MusicBrainz/{title}")


FIELDS: tuple[TagField, ...] = (
    TagField("title", "TIT2", "\xa9nam"),
    TagField("artist", "TPE1", "\xa9ART", ("Author",)),
    TagField("album", "TALB", "\xa9alb", ("WM/AlbumTitle",)),
    TagField("albumartist", "TPE2", "aART", ("Album Artist", "album_artist", "WM/AlbumArtist")),
    TagField("date", "TDRC", "\xa9day", ("Year", "WM/Year", "DATE_RELEASED")),
    TagField("genre", "TCON", "\xa9gen", ("WM/Genre",)),
    TagField("tracknumber", "TRCK", "trkn", ("Track", "WM/TrackNumber", "PART_NUMBER")),
    TagField("discnumber", "TPOS", "disk", ("Disc", "WM/PartOfSet")),
    TagField("composer", "TCOM", "\xa9wrt", ("WM/Composer",)),
    TagField("comment", "COMM", "\xa9cmt", ("Description",)),
    TagField("copyright", "TCOP", "cprt"),
    TagField("subtitle", "TIT3", _ITUNES + "SUBTITLE", ("WM/SubTitle",)),
    TagField("grouping", "TIT1", "\xa9grp", ("WM/ContentGroupDescription",)),
    TagField("lyricist", "TEXT", _ITUNES + "LYRICIST", ("WM/Writer",)),
    TagField("conductor", "TPE3", _ITUNES + "CONDUCTOR", ("WM/Conductor",)),
    TagField("remixer", "TPE4", _ITUNES + "REMIXER", ("MixArtist", "WM/ModifiedBy", "REMIXED_BY")),
    TagField("label", "TPUB", _ITUNES + "LABEL", ("publisher", "organization", "WM/Publisher")),
    TagField("isrc", "TSRC", _ITUNES + "ISRC", ("WM/ISRC",)),
    TagField("bpm", "TBPM", "tmpo", ("WM/BeatsPerMinute", "tempo")),
    TagField("initialkey", "TKEY", _ITUNES + "initialkey", ("key", "WM/InitialKey", "INITIAL_KEY")),
    TagField("compilation", "TCMP", "cpil", ("WM/IsCompilation",)),
    TagField("language", "TLAN", _ITUNES + "LANGUAGE", ("WM/Language",)),
    TagField("mood", "TMOO", _ITUNES + "MOOD", ("WM/Mood",)),
    TagField("originaldate", "TDOR", _ITUNES + "ORIGINALDATE", ("WM/OriginalReleaseTime",)),
    TagField("titlesort", "TSOT", "sonm", ("title-sort", "WM/TitleSortOrder")),
    TagField("artistsort", "TSOP", "soar", ("artist-sort", "WM/ArtistSortOrder")),
    TagField("albumsort", "TSOA", "soal", ("album-sort", "WM/AlbumSortOrder")),
    TagField("albumartistsort", "TSO2", "soaa", ("album_artist-sort", "WM/AlbumArtistSortOrder")),
    TagField("composersort", "TSOC", "soco", ("composer-sort", "WM/ComposerSortOrder")),
    TagField("encodedby", "TENC", _ITUNES + "ENCODEDBY", ("encoded_by", "WM/EncodedBy")),
    TagField("lyrics", "USLT", "\xa9lyr", ("unsyncedlyrics", "unsynced lyrics", "WM/Lyrics")),
    TagField("syncedlyrics", "SYLT", _ITUNES + "SYNCEDLYRICS"),
    TagField("rating", "POPM", _ITUNES + "RATING", ("WM/SharedUserRating",)),
    _free("catalognumber", "CATALOGNUMBER", "WM/CatalogNo", "CATALOG_NUMBER"),
    _free("barcode", "BARCODE", "WM/Barcode"),
    TagField(
        "musicbrainz_trackid",
        "UFID:http://musicbrainz.org",
        _ITUNES + "MusicBrainz Track Id",
        ("MusicBrainz Track Id", "MusicBrainz/Track Id"),
    ),
    _musicbrainz("musicbrainz_releasetrackid", "Release Track Id"),
    _musicbrainz("musicbrainz_albumid", "Album Id"),
    _musicbrainz("musicbrainz_artistid", "Artist Id"),
    _musicbrainz("musicbrainz_albumartistid", "Album Artist Id"),
    _musicbrainz("musicbrainz_releasegroupid", "Release Group Id"),
    _musicbrainz("musicbrainz_workid", "Work Id"),
)
"""What is kept, in this order. Loudness (ReplayGain, R128, iTunNORM) is the song's, not a stem's."""

TOTALS = {
    "tracknumber": ("tracktotal", "totaltracks", "TOTAL_PARTS"),
    "discnumber": ("disctotal", "totaldiscs"),
}
"""Where some tags keep how many tracks or discs there are, which others write behind the number: ``3/12``."""
