"""What img2dataset, Pillow and OpenCV say (PyPI: img2dataset, opencv-python-headless, pillow; environment.sh img2dataset).

python img2dataset_reference.py draw FOLDER          Pillow's part of the picture zoo; a JSON list of files
python img2dataset_reference.py resize JOBS.json     img2dataset's Resizer: a JSON list of results, pictures as PNG files
python img2dataset_reference.py describe FOLDER      an output folder: columns, types, rows, members, statistics
python img2dataset_reference.py kinds FILE URL       a parquet list with columns of every kind that img2dataset can write
"""
import glob
import json
import os
import sys
import tarfile


def draw(folder):
    from PIL import Image

    base = Image.open(os.path.join(folder, "base.png")).convert("RGB")
    made = []

    def save(name, image, **options):
        image.save(os.path.join(folder, name), **options)
        made.append(name)

    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Pillow"
    save("pillow-orientation-6.jpg", base, quality=95, exif=exif)
    save("pillow-cmyk.jpg", base.convert("CMYK"), quality=95)
    base.convert("L").save(os.path.join(folder, "grey.png"))
    save("pillow-grey.jpg", base.convert("L"), quality=95)
    save("pillow-progressive.jpg", base, quality=95, progressive=True)
    save("pillow-palette.png", base.quantize(64))
    save("pillow-one-bit.png", base.convert("1"))
    save("pillow-grey-16.png", base.convert("L").convert("I").point(lambda v: v * 257).convert("I;16"))
    rgba = base.copy()
    rgba.putalpha(base.convert("L"))
    save("pillow-alpha.png", rgba)
    save("pillow-alpha.webp", rgba, lossless=True)
    frames = [base, base.rotate(180)]
    save("pillow-animated.gif", frames[0], save_all=True, append_images=frames[1:], duration=100)
    save("pillow-animated.webp", frames[0], save_all=True, append_images=frames[1:], duration=100, lossless=True)
    print(json.dumps(made))


def resize(path):
    import numpy as np
    from img2dataset.resizer import Resizer

    out = []
    with open(path) as f:
        jobs = json.load(f)
    for job in jobs:
        resizer = Resizer(job["size"], job["mode"], job["onlyIfBigger"], encode_format="png", encode_quality=1)
        with open(job["file"], "rb") as f:
            data, width, height, original_width, original_height, error = resizer(f)
        if error is None:
            with open(job["out"], "wb") as f:
                f.write(data)
        out.append([width, height, original_width, original_height, error])
    print(json.dumps(out))


def describe(folder):
    import pyarrow.parquet as pq

    shards = {}
    for path in sorted(glob.glob(os.path.join(folder, "*.parquet"))):
        name = os.path.basename(path)[:-8]
        table = pq.read_table(path)
        binary = [f.name for f in table.schema if str(f.type) == "binary"]
        rows = table.drop(binary).to_pylist()
        for row, picture in zip(rows, table[binary[0]].to_pylist() if binary else [None] * len(rows)):
            row["has_picture"] = picture is not None
        members, records = [], {}
        if os.path.exists(os.path.join(folder, name + ".tar")):
            with tarfile.open(os.path.join(folder, name + ".tar")) as tar:
                for member in tar:
                    members.append(member.name)
                    if member.name.endswith((".json", ".txt")):
                        records[member.name] = tar.extractfile(member).read().decode()
        elif os.path.isdir(os.path.join(folder, name)):
            members = os.listdir(os.path.join(folder, name))
            for member in members:
                if member.endswith((".json", ".txt")):
                    with open(os.path.join(folder, name, member)) as f:
                        records[member] = f.read()
        with open(os.path.join(folder, name + "_stats.json")) as f:
            stats = json.load(f)
        shards[name] = {
            "types": [[f.name, str(f.type)] for f in table.schema],
            "rows": sorted(rows, key=lambda row: row["key"]),
            "members": sorted(members),
            "texts": {k: v for k, v in records.items() if k.endswith(".txt")},
            "records": {k: json.loads(v) for k, v in records.items() if k.endswith(".json")},
            "recordKeys": {k: list(json.loads(v)) for k, v in records.items() if k.endswith(".json")},
            "stats": stats,
        }
    print(json.dumps(shards))


def kinds(path, url):
    import pyarrow as pa
    import pyarrow.parquet as pq

    # None of a missing value: pandas, through which img2dataset sends a list, makes fractions of whole numbers then.
    columns = {
        "url": pa.array([url, url, url]),
        "text": pa.array(["one", None, "drei ü"]),
        "i8": pa.array([-128, 0, 127], pa.int8()),
        "u8": pa.array([0, 1, 255], pa.uint8()),
        "u32": pa.array([0, 2**31, 2**32 - 1], pa.uint32()),
        "i64": pa.array([-(2**63), 2**53 + 1, 2**63 - 1], pa.int64()),
        "u64": pa.array([0, 2**63, 2**64 - 1], pa.uint64()),
        "f32": pa.array([0.1, -0.0, 3e38], pa.float32()),
        "f64": pa.array([0.1, -0.0, 1e308], pa.float64()),
        "flag": pa.array([True, False, True]),
        "large": pa.array(["a", None, ""], pa.large_string()),
        "ids": pa.array([[2**53 + 1, -1], [], [0]], pa.list_(pa.int64())),
        "words": pa.array([["a", "b"], [], None], pa.list_(pa.string())),
        "box": pa.array([{"x": 1, "y": None}, {"x": None, "y": "b"}, {"x": 2**60, "y": ""}]),
    }
    pq.write_table(pa.table(columns), path)
    print(json.dumps([name for name in columns if name not in ("url", "text")]))


commands = {"draw": draw, "resize": resize, "describe": describe, "kinds": kinds}
commands[sys.argv[1]](*sys.argv[2:])
