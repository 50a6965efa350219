"""What is encoded is what was drawn."""

from __future__ import annotations

import io

import numpy as np
import pytest
from matplotlib.colors import rgb_to_hsv, to_rgb
from PIL import Image

from helpers.explore import png as module
from helpers.explore.canvas import Canvas
from helpers.explore.png import Backdrop, quick_png, small_png
from helpers.foundations.drawing import style
from tests.explore.samples import plot_two, plot_wave, simulate_wave

LEVELS_IN_A_BOX = 16
SHAPES = [(1, 1), (7, 13), (40, 61)]


def noise(shape: tuple[int, int], seed: int = 1) -> np.ndarray:
    image = np.random.default_rng(seed).integers(0, 256, (*shape, 4), dtype=np.uint8)
    image[:, :, 3] = 255
    return image


def plain(shape: tuple[int, int], *colour: int) -> np.ndarray:
    return np.full((*shape, 4), (*colour, 255), np.uint8)


def decoded(png: bytes) -> np.ndarray:
    image = Image.open(io.BytesIO(png))
    image.load()  # refuses a wrong checksum
    return np.asarray(image.convert("RGB"), dtype=int)


def farthest(png: bytes, rgba: np.ndarray) -> int:
    return int(np.abs(decoded(png) - rgba[:, :, :3]).max())


@pytest.mark.parametrize("encode", [quick_png, lambda rgba: Backdrop(rgba).png(rgba)])
@pytest.mark.parametrize("shape", SHAPES)
def test_a_few_far_colours_are_encoded_without_loss(encode, shape):
    colours = np.random.default_rng(3).permutation(4_096)[:80]
    channels = [(colours >> shift & 15) * LEVELS_IN_A_BOX for shift in (8, 4, 0)]
    chosen = np.random.default_rng(4).integers(0, len(colours), shape)
    image = plain(shape, 0, 0, 0)
    image[:, :, :3] = np.stack(channels, axis=1)[chosen]
    assert Image.open(io.BytesIO(encode(image))).mode == "P"
    assert farthest(encode(image), image) == 0


def test_the_small_encoder_is_smaller_and_close():
    canvas = Canvas(plot_wave)
    canvas.draw((simulate_wave(height=1.0),))
    canvas.settled_png()
    image = np.asarray(canvas._agg.buffer_rgba())
    small = small_png(image)
    assert len(small) < len(quick_png(image)) / 1.3
    assert (np.abs(decoded(small) - image[:, :, :3]).max(axis=2) > 40).mean() < 0.001


@pytest.mark.parametrize("shape", SHAPES)
def test_a_picture_equal_to_its_backdrop_is_the_backdrop(shape):
    image = plain(shape, 12, 34, 56)
    assert farthest(Backdrop(image).png(image), image) == 0


def test_few_colours_are_kept_exactly():
    backdrop = plain((30, 40), 255, 255, 255)
    image = backdrop.copy()
    for row, colour in enumerate([(0, 114, 178), (213, 94, 0), (255, 255, 255), (0, 0, 0)]):
        image[5 * row : 5 * row + 3, 10:20, :3] = colour
    assert farthest(Backdrop(backdrop).png(image), image) == 0


@pytest.mark.parametrize("seed", range(5))
def test_similar_colours_become_one_between_them(seed):
    backdrop = plain((30, 40), 255, 255, 255)
    image = noise((30, 40), seed)
    image[:, :, :3] = 64 * (image[:, :, :3] // 64) + image[:, :, :3] % LEVELS_IN_A_BOX
    assert 0 < farthest(Backdrop(backdrop).png(image), image) < LEVELS_IN_A_BOX


@pytest.mark.parametrize("seed", range(5))
def test_colours_beyond_the_palette_become_the_nearest(seed):
    backdrop, image = noise((30, 40), seed + 100), noise((30, 40), seed)
    seen = decoded(Backdrop(backdrop).png(image)).reshape(-1, 3)
    colours = np.unique(seen, axis=0)
    assert len(colours) <= module._COLOURS - module._BACKGROUND_COLOURS
    truth = image[:, :, :3].reshape(-1, 3).astype(int)
    error = np.linalg.norm(seen - truth, axis=1)
    best = np.linalg.norm(truth[:, None] - colours[None], axis=2).min(axis=1)
    # What is measured from is the mean of a box, which is at most this far from the pixel.
    assert (error - best).max() <= 2 * LEVELS_IN_A_BOX * 3**0.5
    assert np.corrcoef(error, best)[0, 1] > 0.8


@pytest.mark.parametrize("plot", [plot_wave, plot_two])
def test_a_moving_picture_has_the_colours_that_were_drawn(plot):
    canvas = Canvas(plot)
    for height in (1.0, 8.0):
        canvas.draw((simulate_wave(height=height),))
        png = canvas.moving_png()
        assert farthest(png, np.asarray(canvas._agg.buffer_rgba())) < LEVELS_IN_A_BOX
        settled = canvas.settled_png()
        assert farthest(settled, np.asarray(canvas._agg.buffer_rgba())) < LEVELS_IN_A_BOX


def test_a_backdrop_keeps_its_own_pixels():
    image = plain((4, 5), 200, 200, 200)
    backdrop = Backdrop(image)
    image[:] = 0
    assert farthest(backdrop.png(image), image) == 0


# --- in the dark ------------------------------------------------------------------------------


@pytest.mark.parametrize("encode", [quick_png, small_png])
def test_a_dark_picture_has_other_colours_and_the_same_pixels(encode):
    canvas = Canvas(plot_two)
    canvas.draw((simulate_wave(height=3.0),))
    canvas.settled_png()
    light = encode(np.asarray(canvas._agg.buffer_rgba()))
    dark = module.dark(light)
    before, after = (Image.open(io.BytesIO(png)) for png in (light, dark))
    assert np.array_equal(np.asarray(before), np.asarray(after))
    assert len(dark) == len(light)
    palettes = [np.array(image.getpalette(), np.uint8).reshape(-1, 3) for image in (before, after)]
    assert np.array_equal(palettes[1], module.in_the_dark(palettes[0]))


def test_paper_becomes_the_page_and_ink_becomes_light():
    colours = np.array([[255, 255, 255], [0, 0, 0]], np.uint8)
    assert module.in_the_dark(colours).tolist() == [[17, 17, 17], [255, 255, 255]]


def test_greys_stay_grey_and_change_their_order():
    levels = np.arange(256, dtype=np.uint8)
    dark = module.in_the_dark(np.stack([levels] * 3, axis=1)).astype(int)
    assert (dark.max(axis=1) - dark.min(axis=1)).max() <= 1
    assert (np.diff(dark[:, 0]) <= 0).all()


def test_colours_keep_their_hue():
    for colour in (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE, style.ORANGE, style.SKY):
        rgb = np.array(to_rgb(colour))
        dark = module.in_the_dark(np.round(255 * rgb[None]).astype(np.uint8))[0] / 255
        before, after = (rgb_to_hsv(each)[0] for each in (rgb, dark))
        assert abs((before - after + 0.5) % 1 - 0.5) < 0.05, colour


def test_a_shade_between_paper_and_a_colour_stays_between():
    """Edges of curves and letters are such shades: others would be a halo around them."""
    for colour in (style.BLUE, style.VERMILION, style.GREEN, style.PURPLE, style.ORANGE, style.INK):
        ink, share = 255 * np.array(to_rgb(colour)), np.linspace(0, 1, 40)[:, None]
        shades = np.round(share * ink + (1 - share) * 255).astype(np.uint8)
        dark = module.in_the_dark(shades).astype(float)
        way = dark[-1] - dark[0]
        along = (dark - dark[0]) @ way / (way @ way)
        assert along.min() > -0.05
        assert along.max() < 1.15
        assert (np.diff(along) > -0.05).all()


def test_a_file_without_a_palette_is_refused():
    file = io.BytesIO()
    Image.fromarray(noise((3, 4))).save(file, "png")
    for data in (file.getvalue(), b"", b"GIF89a"):
        with pytest.raises(ValueError, match="a PNG file with a palette"):
            module.dark(data)
