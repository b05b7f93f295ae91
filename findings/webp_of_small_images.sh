#!/usr/bin/env bash
# libwebp 1.6.0, as in Pillow 13.0.0: the length of a lossless file of 8 x 8 pixels.
#
# Guess: the noisier an image, the longer its lossless file. `method`, from 0 (fast) to 6 (slow), 4 by default, saves a
# few percent, as it does of large images.
# Seen: with method 4, and with 6 below quality 100, grey noise of a standard deviation of 2 levels takes more bytes (86,
# median of 20) than noise of 4 (74) or 8 (81). Only method 6 with quality 100 is in order: 64, 72, 81. The choice
# of transforms by an estimate goes wrong where the file is short. Of 32 x 32 pixels both are in order.
set -euo pipefail
place=$(mktemp -d); trap 'rm -rf "$place"' EXIT
python3 -m venv "$place/env"
"$place/env/bin/pip" install -q pillow==13.0.0 numpy 2> "$place/log" || { cat "$place/log"; exit 1; }
cat > "$place/look.py" <<'PYTHON'
import io

import numpy as np
from PIL import Image, features


def median_bytes(side, deviation, **options):
    lengths = []
    for seed in range(20):
        noise = deviation * np.random.default_rng(seed).normal(size=(side, side))
        buffer = io.BytesIO()
        image = Image.fromarray(np.clip(np.round(128 + noise), 0, 255).astype(np.uint8))
        image.save(buffer, "WEBP", lossless=True, **options)
        lengths.append(buffer.tell())
    return int(np.median(lengths))


print("libwebp", features.version("webp"))
found = {}
for side in (8, 32):
    for method, quality in ((4, 80), (4, 100), (6, 80), (6, 100)):
        each = [median_bytes(side, deviation, method=method, quality=quality) for deviation in (1, 2, 4, 8)]
        found[side, method, quality] = each
        print(f"{side} x {side}, method {method}, quality {quality}: bytes {each}, in order: {each == sorted(each)}")
for (side, method, quality), each in found.items():
    assert (each == sorted(each)) == (side == 32 or (method, quality) == (6, 100)), (side, method, quality, each)
PYTHON
"$place/env/bin/python" "$place/look.py"
