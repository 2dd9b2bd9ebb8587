"""Loads a release folder with Hugging Face's datasets, as the release's README says, and prints what it found as one JSON
object.

usage: datasets_reference.py FOLDER
"""
import hashlib
import json
import os
import sys
import tempfile

# datasets takes its settings when it is imported: no hub is asked, and nothing is kept after the run.
cache = tempfile.TemporaryDirectory()
os.environ.update(HF_HOME=cache.name, HF_HUB_OFFLINE="1", HF_DATASETS_DISABLE_PROGRESS_BARS="1")

import datasets


def samples(data):
    """Pictures stay the bytes that they are."""
    data = data.cast_column("jpg", datasets.Image(decode=False))
    return [[s["__key__"], hashlib.sha256(s["jpg"]["bytes"]).hexdigest(), s["txt"], s["json"]] for s in data]


def table(*path):
    return list(datasets.load_dataset("parquet", data_files=os.path.join(*path), split="train"))


def main(folder):
    whole = datasets.load_dataset(folder, split="train")
    tars = os.path.join(folder, "*.tar")
    by_name = datasets.load_dataset("webdataset", data_files=tars, features=whole.features, split="train")
    result = {
        "folder": samples(whole),
        "streamed": samples(datasets.load_dataset(folder, split="train", streaming=True)),
        "tars": samples(by_name),
        "rows": table(folder, "[0-9]*.parquet"),
        "rejected": table(folder, "rejected", "*.parquet"),
        "size": list(whole[0]["jpg"].size),
    }
    print(json.dumps(result))


main(sys.argv[1])
