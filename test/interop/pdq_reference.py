"""PDQ hashes by the reference implementation (PyPI: pdqhash numpy pillow).

python pdq_reference.py            the golden values of packages/image/test/pdqHash.test.ts
python pdq_reference.py FILE...    one JSON array [path, hex, quality] a line
"""
import json
import sys

import numpy as np
import pdqhash


def hashed(pixels):
    bits, quality = pdqhash.compute(pixels)
    return np.packbits(bits).tobytes().hex(), int(quality)


def pattern(width, height):
    y, x = np.mgrid[0:height, 0:width]
    planes = [x * 7 + y * 3 + ((x * y) >> 4), ((x >> 3) * 31) ^ ((y >> 2) * 17), (x * x + y * y) >> 7]
    return (np.stack(planes, -1) & 255).astype(np.uint8)


if len(sys.argv) == 1:
    for size in ((300, 200), (64, 64), (37, 513)):
        print(*size, *hashed(pattern(*size)))
else:
    from PIL import Image

    for path in sys.argv[1:]:
        print(json.dumps([path, *hashed(np.array(Image.open(path).convert("RGB")))]))
