"""faiss on the hashes that lookups.mjs wrote, one thread: peers.py STORED PROBES RADIUS SOME FEW"""

import json
import sys
import time

import faiss
import numpy as np

stored_file, probes_file, radius, some, few = sys.argv[1:]
faiss.omp_set_num_threads(1)
stored = np.fromfile(stored_file, dtype=np.uint8).reshape(-1, 32)
probes = np.fromfile(probes_file, dtype=np.uint8).reshape(-1, 32)


def say(name, count, work):
    cpu, wall = time.process_time(), time.perf_counter()
    found = work()
    cpu, wall = time.process_time() - cpu, time.perf_counter() - wall
    line = {"name": name, "probes": count, "found": found, "seconds": round(wall, 1), "cpuSeconds": round(cpu, 1)}
    print(json.dumps({**line, "usPerProbe": round(cpu * 1e6 / count, 1)}), flush=True)


def within(index, count):
    # range_search gives distances below the radius
    limits, _, _ = index.range_search(probes[:count], int(radius) + 1)
    return int(limits[-1])


multi = faiss.IndexBinaryMultiHash(256, 16, 16)
multi.nflip = 1
say("faiss IndexBinaryMultiHash.add", len(stored), lambda: (multi.add(stored), multi.ntotal)[1])
say("faiss IndexBinaryMultiHash", int(some), lambda: within(multi, int(some)))
flat = faiss.IndexBinaryFlat(256)
flat.add(stored)
say("faiss IndexBinaryFlat", int(few), lambda: within(flat, int(few)))
