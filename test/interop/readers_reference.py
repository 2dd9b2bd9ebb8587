"""Reads a release folder with webdataset, wids and pyarrow and prints what they found as one JSON object.

usage: readers_reference.py FOLDER
"""
import glob
import hashlib
import importlib.util
import json
import os
import sys
import tarfile
import tempfile
import types
import typing

import pyarrow.parquet as pq
import webdataset


def stand_in_for_torch():
    """wids imports torch for its samplers, which are not used here: without torch, a stand-in does."""
    if importlib.util.find_spec("torch") is not None:
        return
    names = ["torch", "torch.distributed", "torch.utils", "torch.utils.data"]
    for name in names:
        sys.modules[name] = types.ModuleType(name)
    for name in names[1:]:
        parent, child = name.rsplit(".", 1)
        setattr(sys.modules[parent], child, sys.modules[name])
    data = sys.modules["torch.utils.data"]
    data.Dataset = typing.Generic
    data.Sampler = object


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def sample(key, picture, text, record):
    return [key, sha256(picture), text.decode("utf-8"), sha256(record)]


def with_webdataset(tars):
    data = webdataset.WebDataset(tars, shardshuffle=False, empty_check=False)
    return [sample(s["__key__"], s["jpg"], s["txt"], s["json"]) for s in data]


def with_wids(folder):
    stand_in_for_torch()
    import wids

    with tempfile.TemporaryDirectory() as cache:
        data = wids.ShardListDataset(
            os.path.join(folder, "index.json"), cache_dir=cache, keep=True, transformations=[]
        )
        found = []
        for i in range(len(data)):
            s = data[i]
            found.append(sample(s["__key__"], s[".jpg"].read(), s[".txt"].read(), s[".json"].read()))
        return found


def with_tarfile(tars):
    names = []
    for path in tars:
        with tarfile.open(path) as tar:
            for member in tar:
                assert member.isreg() and member.mtime == 0 and member.uid == 0 and member.mode == 0o644
                names.append(member.name)
    return names


def main(folder):
    tars = sorted(glob.glob(os.path.join(folder, "*.tar")))
    tables = [pq.read_table(path) for path in sorted(glob.glob(os.path.join(folder, "*.parquet")))]
    rejected = [pq.read_table(path) for path in sorted(glob.glob(os.path.join(folder, "rejected", "*.parquet")))]
    result = {
        "webdataset": with_webdataset(tars),
        "wids": with_wids(folder),
        "tarfile": with_tarfile(tars),
        "columns": tables[0].column_names,
        "types": {field.name: str(field.type) for field in tables[0].schema},
        "rows": [row for table in tables for row in table.to_pylist()],
        "rejected": [row for table in rejected for row in table.to_pylist()],
        "shard": json.loads(tables[0].schema.metadata[b"pairloom.shard"]),
    }
    print(json.dumps(result))


main(sys.argv[1])
