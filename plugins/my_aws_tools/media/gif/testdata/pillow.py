"""What Pillow makes of GIFs: the other opinion in the tests of this package.

Standard input holds files, each behind its length in four bytes, most significant first. For each file one line is
printed: an exclamation mark and the reason where Pillow refuses it, else for each picture a sum and the time that it is
shown in milliseconds, as SUM:TIME, separated by spaces. The first line is Pillow's version.

A sum is the first 8 bytes of SHA-256, in hexadecimal, over width, height (four bytes each) and the pixels as red, green,
blue and alpha, where a pixel whose alpha is 0 counts as four zeros.
"""

import hashlib
import io
import struct
import sys
import warnings

import PIL
from PIL import Image

warnings.simplefilter("ignore")


def seen(picture):
    """The pixels as a file with this picture shows them.

    Pillow's own conversion takes a gray picture for one with the palette of the file, if that has one. The PNG that
    Pillow writes is gray.
    """
    if picture.mode == "L":
        png = io.BytesIO()
        picture.save(png, "PNG")
        png.seek(0)
        picture = Image.open(png)
    return picture.convert("RGBA")


def sum_of(picture):
    pixels = bytearray(picture.tobytes())
    for at in range(3, len(pixels), 4):
        if pixels[at] == 0:
            pixels[at - 3 : at] = b"\0\0\0"
    digest = hashlib.sha256(struct.pack(">II", *picture.size))
    digest.update(pixels)
    return digest.hexdigest()[:16]


def pictures(file):
    with Image.open(io.BytesIO(file), formats=["GIF"]) as gif:
        for number in range(gif.n_frames):
            gif.seek(number)
            gif.load()
            time = gif.info.get("duration", 0)
            yield f"{sum_of(seen(gif))}:{time}"


def main():
    print(PIL.__version__)
    while length := sys.stdin.buffer.read(4):
        file = sys.stdin.buffer.read(struct.unpack(">I", length)[0])
        try:
            print(" ".join(pictures(file)))
        except Exception as why:
            print("!", type(why).__name__, " ".join(str(why).split()))


main()
