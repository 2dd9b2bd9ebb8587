"""Writes shards as img2dataset does, through webdataset's TarWriter, and prints what went in.

usage: python_writer.py FOLDER
"""
import hashlib
import json
import os
import sys

import webdataset

folder = sys.argv[1]
found = []
for shard in range(2):
    with webdataset.TarWriter(os.path.join(folder, f"{shard:05d}.tar")) as writer:
        for i in range(7):
            key = f"{shard:05d}{i:04d}"
            picture = b"\xff\xd8\xff" + os.urandom(100 + 313 * i)
            caption = f"a caption – {i} 日本語"
            record = {"key": key, "caption": caption, "status": "success"}
            writer.write({"__key__": key, "jpg": picture, "txt": caption, "json": json.dumps(record, indent=4)})
            found.append([key, hashlib.sha256(picture).hexdigest(), caption])
print(json.dumps(found))
