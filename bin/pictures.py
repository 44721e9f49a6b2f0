"""Screenshots with at most 256 colours: a page has few that matter, and a third of the bytes shows them.

Chromium itself unpacks its PNG; a program of our own for that would be slower and longer than this file.
"""

import base64
import struct
import zlib
from typing import Any

import numpy as np
import numpy.typing as npt
from playwright.sync_api import Page

COLOURS = 256
UNPACK = """async png => {
    const blob = await (await fetch(`data:image/png;base64,${png}`)).blob();
    const bitmap = await createImageBitmap(blob);
    const canvas = new OffscreenCanvas(bitmap.width, bitmap.height).getContext('2d');
    canvas.drawImage(bitmap, 0, 0);
    const {data, width, height} = canvas.getImageData(0, 0, bitmap.width, bitmap.height);
    let text = '';
    for (let start = 0; start < data.length; start += 32768)
        text += String.fromCharCode(...data.subarray(start, start + 32768));
    return {width, height, data: btoa(text)};
}"""


def smaller(blank: Page, png: bytes) -> bytes:
    """``blank`` is an empty page, whose policy forbids nothing."""
    found: dict[str, Any] = blank.evaluate(UNPACK, base64.b64encode(png).decode())
    flat = np.frombuffer(base64.b64decode(found["data"]), np.uint8).reshape(-1, 4)[:, :3]
    colours, inverse, counts = np.unique(flat, axis=0, return_inverse=True, return_counts=True)
    palette = _palette(colours, counts)
    places = _nearest(colours, palette)[inverse.ravel()]
    return _png(places.astype(np.uint8).reshape(found["height"], found["width"]), palette)


def _palette(colours: npt.NDArray[np.uint8], counts: npt.NDArray[np.int64]) -> npt.NDArray[np.uint8]:
    """The commonest colour of each corner of the colour cube, so that a rare blue outlives the many greys."""
    order = np.argsort(-counts)
    _, first = np.unique(colours[order] >> 4, axis=0, return_index=True)
    return colours[order][np.sort(first)[:COLOURS]]


def _nearest(colours: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> npt.NDArray[np.int64]:
    """Which of the palette stands for each colour: itself where it is kept."""
    away = colours[:, None, :].astype(np.int32) - palette[None, :, :].astype(np.int32)
    return np.asarray((away**2).sum(axis=2).argmin(axis=1))


def _png(rows: npt.NDArray[np.uint8], palette: npt.NDArray[np.uint8]) -> bytes:
    height, width = rows.shape
    header = struct.pack(">IIBBBBB", width, height, 8, 3, 0, 0, 0)
    lines = np.concatenate([np.zeros((height, 1), np.uint8), rows], axis=1).tobytes()
    parts = [
        (b"IHDR", header),
        (b"PLTE", palette.tobytes()),
        (b"IDAT", zlib.compress(lines, 9)),
        (b"IEND", b""),
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(_chunk(kind, data) for kind, data in parts)


def _chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
