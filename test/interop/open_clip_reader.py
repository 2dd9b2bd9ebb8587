"""Reads a release folder with open_clip's own data loader, for training and for evaluation, and prints what it found as
one JSON object.

usage: open_clip_reader.py FOLDER
"""
import glob
import hashlib
import io
import json
import os
import sys
import tarfile
from types import SimpleNamespace

from open_clip_train.data import get_wds_dataset
from PIL import Image


def pixels(picture):
    return hashlib.sha256(repr(picture.size).encode() + picture.convert("RGB").tobytes()).hexdigest()


def loaded(shards, is_train):
    """[pixels, text] of each sample; the loader's transforms are stand-ins that keep what they are given."""
    args = SimpleNamespace(
        train_data=shards,
        val_data=shards,
        train_num_samples=None,
        val_num_samples=None,
        train_data_upsampling_factors=None,
        dataset_resampled=False,
        seed=0,
        batch_size=1,
        world_size=1,
        workers=0,
    )
    info = get_wds_dataset(args, pixels, is_train, tokenizer=lambda text: [text])
    samples = [[picture, text] for pictures, texts in info.dataloader for picture, text in zip(pictures, texts)]
    return {"told": info.dataloader.num_samples, "samples": samples}


def main(folder):
    tars = sorted(glob.glob(os.path.join(folder, "*.tar")))
    first, last = (os.path.basename(path)[: -len(".tar")] for path in (tars[0], tars[-1]))
    shards = os.path.join(folder, "{%s..%s}.tar" % (first, last))
    decoded = {}
    for path in tars:
        with tarfile.open(path) as tar:
            for member in tar:
                if member.name.endswith(".jpg"):
                    data = tar.extractfile(member).read()
                    decoded[hashlib.sha256(data).hexdigest()] = pixels(Image.open(io.BytesIO(data)))
    print(json.dumps({"train": loaded(shards, True), "evaluation": loaded(shards, False), "decoded": decoded}))


main(sys.argv[1])
