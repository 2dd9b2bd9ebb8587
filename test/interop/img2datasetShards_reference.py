"""What Python's tarfile finds in a folder of tars: {shard: {member: sha256}} as JSON.

python img2datasetShards_reference.py FOLDER
"""
import glob
import hashlib
import json
import os
import sys
import tarfile

shards = {}
for path in sorted(glob.glob(os.path.join(sys.argv[1], "*.tar"))):
    with tarfile.open(path) as tar:
        shards[os.path.basename(path)] = {
            member.name: hashlib.sha256(tar.extractfile(member).read()).hexdigest() for member in tar if member.isfile()
        }
print(json.dumps(shards))
