"""Decode text files: byte order marks, UTF-8, and detection of older encodings."""

from __future__ import annotations

import codecs
import re

from regcls.io.reading import TableError

_SAMPLE = 50_000  # bytes of lines with other than ASCII characters
_MARKS = (  # byte order marks, the longer ones first
    (codecs.BOM_UTF8, "utf-8", "UTF-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le", "UTF-32"),
    (codecs.BOM_UTF32_BE, "utf-32-be", "UTF-32"),
    (codecs.BOM_UTF16_LE, "utf-16-le", "UTF-16"),
    (codecs.BOM_UTF16_BE, "utf-16-be", "UTF-16"),
)
_EAST_ASIAN = ("cp949", "gb18030", "cp932", "big5")  # Korean fits into Chinese, not vice versa
_MARKS_AND_ACCENTS = "　、。，（）［］％－−＋．・：；—–‘’“”…·×±°℃μ" + "āáǎàēéěèīíǐìōóǒòūúǔùüê"
# First bytes of the common characters, and their lowest second byte.
_LEVEL_1 = {
    "cp949": (0xB0, 0xC8, 0xA1),
    "gb18030": (0xB0, 0xD7, 0xA1),
    "cp932": (0x88, 0x97, 0x40),
    "big5": (0xA4, 0xC6, 0x40),
}
_OTHER_SCRIPTS = ("cp1251", "cp1253", "koi8_r", "cp1255", "cp1256")
NAMES = {
    "utf-8": "UTF-8",
    "utf-16": "UTF-16",
    "cp1252": "Windows-1252",
    "cp1250": "Windows-1250",
    "cp1251": "Windows-1251",
    "cp1253": "Windows-1253",
    "cp1255": "Windows-1255",
    "cp1256": "Windows-1256",
    "koi8_r": "KOI8-R",
    "gb18030": "GBK",
    "cp932": "Shift-JIS",
    "cp949": "EUC-KR",
    "big5": "Big5",
}
_CODECS = {name.casefold(): codec for codec, name in NAMES.items()}


def decoded(data: bytes, name: str, encoding: str | None = None) -> tuple[bytes, str]:
    """Return a text file as UTF-8 without a byte order mark.

    Parameters
    ----------
    data : bytes
        The file.
    name : str
        Its name in messages.
    encoding : str, optional
        Its encoding; detected by default.

    Returns
    -------
    bytes
        The text in UTF-8.
    str
        Name of the file's encoding, such as "Windows-1252".

    Raises
    ------
    TableError
        If the file is not text, or not in the given encoding.

    Examples
    --------
    >>> decoded("größe;y".encode("cp1252"), "t.csv")[1]
    'Windows-1252'
    """
    if encoding is not None:
        return _given(data, name, encoding)
    for mark, codec, label in _MARKS:
        if data.startswith(mark):
            return _utf8(data[len(mark) :], codec), label
    if b"\x00" in data[:10_000]:
        unmarked = _utf16(data[:10_000])
        if unmarked is None:
            raise TableError(f"{name} cannot be read as a table: it is not a text file")
        return _utf8(data, unmarked), "UTF-16"
    try:
        data.decode()
    except UnicodeDecodeError:
        codec = detected(data)
        return _utf8(data, codec), NAMES[codec]
    return data, "UTF-8"


def _given(data: bytes, name: str, encoding: str) -> tuple[bytes, str]:
    codec = _CODECS.get(encoding.casefold(), encoding)
    try:
        text = data.decode(codec)
    except (UnicodeError, LookupError) as error:
        raise TableError(
            f"{name} is not in the encoding {encoding}; choose another, or let it be detected"
        ) from error
    found = codecs.lookup(codec).name
    label = NAMES.get(codec, NAMES.get(found, encoding))
    return text.removeprefix("\ufeff").encode(errors="replace"), label


def _utf8(data: bytes, codec: str) -> bytes:
    return data.decode(codec, errors="replace").encode(errors="replace")


def _utf16(data: bytes) -> str | None:
    """Codec of UTF-16 without a byte order mark: ASCII characters leave every other byte zero."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    if min(even, odd) > 0.02 * max(even, odd) or max(even, odd) < 0.3 * len(data) / 2:
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def detected(data: bytes) -> str:
    """Return the codec of text that is not Unicode.

    Tables have few words, too few for frequencies of letters alone. An East Asian encoding is taken
    if all its characters are common ones; a script other than Latin if words have no Latin letters;
    otherwise a Western European encoding.

    Parameters
    ----------
    data : bytes
        Text with characters other than ASCII.

    Returns
    -------
    str
        A key of `NAMES`.

    Examples
    --------
    >>> detected("возраст,прогноз".encode("cp1251"))
    'cp1251'
    """
    sample = b"\n".join(line for line in data.splitlines() if not line.isascii())[:_SAMPLE]
    shares = {codec: _common(sample, codec) for codec in _EAST_ASIAN}
    best = max(shares, key=lambda codec: shares[codec])
    if shares[best] > 0.85:
        return best
    words = [word for word in re.findall(rb"[A-Za-z\x80-\xff]+", sample) if not word.isascii()]
    foreign = [word for word in words if len(word) > 2 and _high(word) > 0.9]
    if len(foreign) > len(words) / 2:
        return _plausible(sample, _OTHER_SCRIPTS) or "cp1252"
    return max(("cp1252", "cp1250"), key=lambda codec: _letters(sample, codec))


def _letters(sample: bytes, codec: str) -> int:
    """Count letters other than ASCII: bytes such as ³ are letters in Central Europe only."""
    text = sample.decode(codec, errors="replace")
    return sum(not c.isascii() and c.isalpha() and c not in "ªºµ" for c in text)


def _high(word: bytes) -> float:
    return sum(byte > 127 for byte in word) / len(word)


def _common(sample: bytes, codec: str) -> float:
    """Share of the characters other than ASCII that are in everyday use in the codec's language."""
    text = sample.decode(codec, errors="replace")
    strange = [character for character in text if not character.isascii()]
    if not strange:
        return 0.0
    return sum(_everyday(character, codec) for character in strange) / len(strange)


def _everyday(character: str, codec: str) -> bool:
    """Whether the character is in the first level of its national standard, or a syllable."""
    if character in _MARKS_AND_ACCENTS:
        return True
    if codec == "cp932" and "ぁ" <= character <= "ヿ":
        return True
    if codec == "cp932" and "ｦ" <= character <= "ﾟ":
        return False  # one byte each, so that any text has them
    try:
        lead = character.encode("gb2312" if codec == "gb18030" else codec)
    except UnicodeEncodeError:
        return False
    first, last, trail = _LEVEL_1[codec]
    return len(lead) == 2 and first <= lead[0] <= last and lead[1] >= trail


def _plausible(sample: bytes, candidates: tuple[str, ...]) -> str | None:
    """Return the codec with the least disorder among candidates; of equal ones, the most lower case."""
    import charset_normalizer

    found = charset_normalizer.from_bytes(sample, cp_isolation=list(candidates), threshold=0.5)
    disorder = {
        codec: (round(4 * match.chaos), -_lower(sample, codec))
        for match in found
        for codec in (match.encoding, *match.could_be_from_charset)
    }
    known = [codec for codec in candidates if codec in disorder]
    return min(known, key=lambda codec: disorder[codec], default=None)


def _lower(sample: bytes, codec: str) -> int:
    return sum(character.islower() for character in sample.decode(codec, errors="replace"))
