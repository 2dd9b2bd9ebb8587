"""Answers queries over an index's features by numpy, and by faiss where it is installed: for bench/search/exact.mjs.

Reads a query a line (JSON), prints the milliseconds of each peer.
"""
import glob
import json
import sys
import time

import numpy as np

folder, store, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])


def features():
    for path in sorted(glob.glob(f"{folder}/images-*.safetensors")):
        with open(path, "rb") as file:
            length = int.from_bytes(file.read(8), "little")
            place = json.loads(file.read(length))["features"]
            file.seek(8 + length + place["data_offsets"][0])
            rows, width = place["shape"]
            yield np.frombuffer(file.read(rows * width * 2), np.float16).reshape(rows, width).astype(np.float32)


peers = {}
try:
    import faiss

    faiss.omp_set_num_threads(threads)
    width = next(features()).shape[1]
    kind = faiss.ScalarQuantizer.QT_8bit if store == "int8" else faiss.ScalarQuantizer.QT_fp16
    quantized = faiss.IndexScalarQuantizer(width, kind, faiss.METRIC_INNER_PRODUCT)
    quantized.train(next(features()))
    for part in features():
        quantized.add(part)
    peers["faissScalarQuantizer"] = lambda query: quantized.search(query[None], 10)
except ImportError:
    pass
if store == "float16":
    table = np.concatenate(list(features()))
    peers["numpyFloat32"] = lambda query: np.argpartition(-(table @ query), 10)[:10]

print("{}", flush=True)
for line in sys.stdin:
    query = np.array(json.loads(line), np.float32)
    times = {}
    for name, answer in peers.items():
        start = time.perf_counter()
        answer(query)
        times[name] = (time.perf_counter() - start) * 1000
    print(json.dumps(times), flush=True)
