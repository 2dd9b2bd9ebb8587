"""pixels.mjs's other half: python pixels.py CORPUS SCALED compares SCALED/NAME.png with INTER_AREA of CORPUS/NAME."""
import json
import os
import sys

import cv2
import numpy as np

corpus, scaled = sys.argv[1:]
cv2.setNumThreads(1)
classes = {}
for file in sorted(os.listdir(scaled)):
    name = file[: -len(".png")]
    original = cv2.imread(os.path.join(corpus, name), cv2.IMREAD_COLOR)
    ours = cv2.imread(os.path.join(scaled, file), cv2.IMREAD_COLOR)
    area = cv2.resize(original, (ours.shape[1], ours.shape[0]), interpolation=cv2.INTER_AREA)
    difference = float(np.abs(area.astype(int) - ours).mean())
    side = max(original.shape[:2])
    size = "below 1024" if side < 1024 else "below 1400" if side < 1400 else "1400 and more"
    for group in ("all", name.split(".")[-1], f"{name.split('.')[-1]} {size}"):
        classes.setdefault(group, []).append(difference)
print(json.dumps({k: {"files": len(v), "mean": round(float(np.mean(v)), 2), "worst": round(max(v), 2)} for k, v in sorted(classes.items())}, indent=1))
