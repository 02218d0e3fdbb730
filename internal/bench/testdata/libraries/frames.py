"""Takes frames out of an animated GIF with Pillow alone, as the baseline of extract_frame.

Arguments: the file, and how many frames. Prints seconds and peak memory in bytes.
"""

import io
import json
import sys
import time

from PIL import Image


def peak():
    # Not ru_maxrss, which counts the program that this one was started by.
    for line in open("/proc/self/status"):
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024


path, wanted = sys.argv[1], int(sys.argv[2])
began = time.perf_counter()
with Image.open(path) as picture:
    last = picture.n_frames - 1
    for i in range(wanted):
        picture.seek(int(i * last / (wanted - 1)))
        out = io.BytesIO()
        picture.save(out, format="PNG")
print(json.dumps([time.perf_counter() - began, peak()]))
