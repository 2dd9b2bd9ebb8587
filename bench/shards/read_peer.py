"""Reads a tar with Python's webdataset, undecoded: a pass for the checksum, then timed ones. Prints one JSON object.

usage: read_peer.py TAR ROUNDS [SHUFFLE]
"""
import hashlib
import json
import sys
import time

import webdataset

path, rounds = sys.argv[1], int(sys.argv[2])
shuffle = int(sys.argv[3]) if len(sys.argv) > 3 else 0


def samples(shuffled=0):
    data = webdataset.WebDataset([path], shardshuffle=False, empty_check=False)
    return data.shuffle(shuffled) if shuffled else data


checksum = hashlib.sha256()
for sample in samples():
    for part in (sample["__key__"].encode(), sample["jpg"], sample["txt"], sample["json"]):
        checksum.update(part)

passes = []
for _ in range(rounds):
    cpu, started = time.process_time(), time.perf_counter()
    count = size = 0
    for sample in samples(shuffle):
        count += 1
        size += len(sample["jpg"])
    passes.append({"samples": count, "bytes": size, "s": time.perf_counter() - started, "cpuS": time.process_time() - cpu})
print(json.dumps({"sha256": checksum.hexdigest(), "passes": passes}))
