"""Pictures as PNG files, written faster than a general encoder can, or smaller, or for the dark."""

from __future__ import annotations

import io
import struct
import zlib

import numpy as np
import numpy.typing as npt
from PIL import Image

_COLOURS = 256  # that the index of a pixel, one byte, can name
_BACKGROUND_COLOURS = 96
_SAMPLE = 40_000  # pixels from which a colour's mean is taken
_INDEXED = 3  # colour type in the PNG specification, section 11.2.1
_SIGNATURE = b"\x89PNG\r\n\x1a\n"

# Ottosson (2020), "A perceptual color space for image processing": from linear sRGB to the
# responses of the eye's cones, and from their cube roots to Oklab.
_CONES = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_OKLAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_FROM_CONES, _FROM_OKLAB = np.linalg.inv(_CONES), np.linalg.inv(_OKLAB)
#: A grey's lightness in the light, and in the dark: paper becomes #111111, as JupyterLab's pages,
#: black white, and what is faint stays faint.
_IN_THE_LIGHT, _IN_THE_DARK = (0.0, 0.3, 0.55, 0.9, 1.0), (1.0, 0.9, 0.65, 0.335, 0.1776)
#: How much lighter than a grey a colour becomes for its strength, and how much stronger it becomes:
#: orange and pink would be brown and mauve.
_GLOW, _VIVID = 0.5, 1.15
_HALVINGS = 8  # of the strength of a colour that no screen has


class Backdrop:
    """A picture on which others are drawn that change only a part of it.

    Their pixels become one byte each, an index of at most 256 colours, so there is a quarter to
    compress, send and decode. Only the pixels that changed are looked at. Colours that differ by
    less than 16 levels of 255 in each channel may become one, their mean: shades at the edges of
    curves and letters.

    Parameters
    ----------
    rgba : ndarray of uint8, shape (height, width, 4)
        Copied.
    """

    def __init__(self, rgba: npt.NDArray[np.uint8]) -> None:
        self._shape = rgba.shape[:2]
        self._pixels = _as_integers(rgba).copy()
        self._indices, self._palette = _on_paper(self._pixels, _BACKGROUND_COLOURS)

    def copy_to(self, rgba: npt.NDArray[np.uint8]) -> None:
        """Overwrite a picture of the same shape with this one."""
        np.copyto(rgba.reshape(-1).view("<u4"), self._pixels)

    def png(self, rgba: npt.NDArray[np.uint8]) -> bytes:
        """Encode a picture of the same shape that was drawn on this one."""
        indices, palette = _drawn_on(
            self._pixels, self._indices, self._palette, _as_integers(rgba), _COLOURS
        )
        return _png(indices.reshape(self._shape), palette)


def quick_png(rgba: npt.NDArray[np.uint8]) -> bytes:
    """Encode (height, width, 4) bytes at once, with as many colours as :class:`Backdrop` keeps."""
    indices, palette = _on_paper(_as_integers(rgba), _COLOURS)
    return _png(indices.reshape(rgba.shape[:2]), palette)


def small_png(rgba: npt.NDArray[np.uint8]) -> bytes:
    """Encode with a palette of 256 colours: a third of the size, for notebooks in git."""
    buffer = io.BytesIO()
    image = Image.fromarray(rgba).convert("RGB")
    image.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).save(
        buffer, "png"
    )
    return buffer.getvalue()


def dark(png: bytes) -> bytes:
    """Return a picture for a page with a dark background: other colours, the same pixels.

    What was darker than something else becomes lighter than it. Each colour keeps its hue, so blue
    is still what a simulation says. Only the palette is rewritten, in less than a millisecond.

    Parameters
    ----------
    png : bytes
        A file with a palette, as everything in here writes it.

    Raises
    ------
    ValueError
        If it is no such file.
    """
    start = len(_SIGNATURE)
    while png.startswith(_SIGNATURE) and start < len(png):
        length, kind = struct.unpack_from(">I4s", png, start)
        end = start + 8 + length
        if kind == b"PLTE":
            palette = np.frombuffer(png[start + 8 : end], np.uint8).reshape(-1, 3)
            swapped = _chunk(kind, in_the_dark(palette).tobytes())
            return png[:start] + swapped + png[end + 4 :]
        start = end + 4  # its checksum
    raise ValueError("png must be a PNG file with a palette")


def in_the_dark(colours: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """Return what :func:`dark` makes of colours, shape (n, 3)."""
    shares = colours / 255
    linear = np.where(shares <= 0.04045, shares / 12.92, ((shares + 0.055) / 1.055) ** 2.4)
    lightness, *hue = _OKLAB @ np.cbrt(_CONES @ linear.T)
    glow = _GLOW * np.hypot(*hue)
    lightness = np.minimum(np.interp(lightness, _IN_THE_LIGHT, _IN_THE_DARK) + glow, 1.0)

    def shown(strength: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        oklab = np.stack([lightness, *(strength * part for part in hue)])
        linear: npt.NDArray[np.float64] = _FROM_CONES @ (_FROM_OKLAB @ oklab) ** 3
        return linear

    # As strong as it should be, or as a screen can show it.
    strength, step = np.full(len(colours), _VIVID), _VIVID
    for _ in range(_HALVINGS):
        step /= 2
        possible = (np.abs(shown(strength) - 0.5) < 0.5 + 1e-4).all(axis=0)
        strength = np.minimum(strength + np.where(possible, step, -step), _VIVID)
    linear = shown(strength).clip(0, 1).T
    bent = 1.055 * linear ** (1 / 2.4) - 0.055
    return np.round(255 * np.where(linear <= 0.0031308, 12.92 * linear, bent)).astype(np.uint8)


def _as_integers(rgba: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint32]:
    """Return one number for each pixel; red is its lowest byte."""
    return np.ascontiguousarray(rgba).view("<u4").ravel()


def _on_paper(
    pixels: npt.NDArray[np.uint32], most: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return indices and palette of a picture of which most has the corner's colour."""
    paper = pixels[:1]
    nothing = np.zeros(pixels.size, np.uint8)
    return _drawn_on(paper, nothing, _indexed(paper, 1)[1], pixels, most)


def _drawn_on(
    under: npt.NDArray[np.uint32],
    indices: npt.NDArray[np.uint8],
    palette: npt.NDArray[np.uint8],
    pixels: npt.NDArray[np.uint32],
    most: int,
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return indices and palette, of at most `most` colours, with what differs from `under`."""
    changed = np.flatnonzero(pixels != under)
    known = len(palette)
    shades, colours = _indexed(pixels[changed], most - known)
    indices = indices.copy()
    indices[changed] = shades + np.uint8(known)
    return indices, np.concatenate((palette, colours))


def _indexed(
    pixels: npt.NDArray[np.uint32], most: int
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.uint8]]:
    """Return an index for each pixel, and the at most `most` colours they name, shape (n, 3)."""
    channels = [(pixels >> shift).astype(np.uint8) for shift in (0, 8, 16)]
    # Four bits of each channel: 4,096 boxes of similar colours.
    red, green, blue = (channel >> 4 for channel in channels)
    boxes = (red.astype(np.intp) << 8) | (green << 4) | blue
    counts = np.bincount(boxes, minlength=4_096)
    used = np.flatnonzero(counts)
    means = np.stack([(used >> shift & 15) << 4 for shift in (8, 4, 0)], axis=1) + 8.0
    some = slice(None, None, 1 + pixels.size // _SAMPLE)  # enough to know what is in a box
    seen = np.bincount(boxes[some], minlength=4_096)[used]
    for channel, mean in zip(channels, means.T, strict=True):
        sums = np.bincount(boxes[some], channel[some], 4_096)[used]
        np.divide(sums, seen, out=mean, where=seen > 0)
    kept = np.sort(np.argsort(counts[used])[::-1][:most])
    colours = means[kept]
    nearest = np.zeros(4_096, np.uint8)
    nearest[used[kept]] = np.arange(len(kept))
    if len(kept) < len(used):
        rare = np.setdiff1d(np.arange(len(used)), kept)
        distance = ((means[rare, None] - colours[None]) ** 2).sum(axis=2)
        nearest[used[rare]] = distance.argmin(axis=1)
    return nearest[boxes], np.round(colours).astype(np.uint8)


def _png(indices: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    """Write a file without a filter and with the quickest compression that pays."""
    height, width = indices.shape
    rows = np.zeros((height, 1 + width), np.uint8)  # each starts with its filter's number
    rows[:, 1:] = indices
    chunks = {
        b"IHDR": struct.pack(">IIBBBBB", width, height, 8, _INDEXED, 0, 0, 0),
        b"PLTE": palette.tobytes(),
        b"IDAT": zlib.compress(rows.data, 1),
        b"IEND": b"",
    }
    return _SIGNATURE + b"".join(_chunk(kind, data) for kind, data in chunks.items())


def _chunk(kind: bytes, data: bytes) -> bytes:
    checksum = zlib.crc32(kind + data)
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", checksum)
