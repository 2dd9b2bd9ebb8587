"""Prints as JSON, for each tar of a folder, the keys of the samples that webdataset makes of it and that have both a
picture and a text, in their order.

usage: shardNames_reference.py FOLDER
"""
import glob
import json
import os
import sys
import warnings

import webdataset

warnings.simplefilter("ignore")
pictures = ("jpg", "jpeg", "png", "webp")


def keys(tar):
    dataset = webdataset.WebDataset([tar], shardshuffle=False, handler=webdataset.ignore_and_continue, empty_check=False)
    return [s["__key__"] for s in dataset if "txt" in s and any(extension in s for extension in pictures)]


found = {os.path.basename(tar)[:-4]: keys(tar) for tar in sorted(glob.glob(os.path.join(sys.argv[1], "*.tar")))}
print(json.dumps(found))
