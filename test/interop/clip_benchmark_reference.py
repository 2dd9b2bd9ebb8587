"""Small datasets in each layout that CLIP_benchmark reads without a network, and what CLIP_benchmark makes of a small model
on them: clip_benchmark_reference.py FOLDER. Prints one JSON object, dataset: metrics.

Datasets in webdataset form are written by CLIP_benchmark's own converter.
"""

import contextlib
import inspect
import io
import json
import sys
import types
import warnings
from pathlib import Path

# The task "captioning" alone needs pycocoevalcap (100 MB of Java); the command line imports it for every task.
sys.modules["clip_benchmark.metrics.captioning"] = types.ModuleType("clip_benchmark.metrics.captioning")

import clip_benchmark.cli
import numpy as np
import open_clip
import torch
from clip_benchmark import webdataset_builder
from clip_benchmark.datasets import builder
from clip_benchmark.metrics import zeroshot_classification
from open_clip.transform import image_transform
from PIL import Image, ImageDraw
from safetensors.torch import save_file

# Its accuracy makes a number of an array of one, which numpy no longer does.
source = inspect.getsource(zeroshot_classification.accuracy)
assert ".sum(0, keepdim=True).cpu().numpy()" in source
exec(source.replace(".sum(0, keepdim=True).cpu().numpy()", ".sum().item()"), vars(zeroshot_classification))

warnings.filterwarnings("ignore")
torch.manual_seed(3)
torch.set_num_threads(1)
rng = np.random.default_rng(4)
folder = Path(sys.argv[1])
lists = Path(builder.__file__).parent
colours = [(210, 40, 40), (40, 170, 60), (40, 70, 210), (230, 200, 20), (150, 40, 160), (30, 30, 30), (240, 240, 240)]


def draw(label):
    width, height = (int(v) for v in rng.integers(40, 90, 2))
    image = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(100, 200, 3)))
    x, y, size = (int(v) for v in (rng.integers(0, width // 3), rng.integers(0, height // 3), rng.integers(18, 36)))
    shape = ImageDraw.Draw(image)
    (shape.ellipse if label % 2 else shape.rectangle)([x, y, x + size, y + size], colours[label])
    return image


class Pairs(list):
    """Pictures with labels or captions, as CLIP_benchmark's converter takes them."""


labelled = {}


def classification(name, classes, templates, count, **options):
    labels = [int(v) for v in rng.permutation(np.arange(count) % len(classes))]
    pairs = Pairs((draw(label), label) for label in labels)
    pairs.classes, pairs.templates = classes, templates
    transform = webdataset_builder.PIL_to_bytes(options["image_format"])
    webdataset_builder.convert_dataset(pairs, "test", str(folder / name), transform=transform, **options)
    labelled[name] = (pairs, classes, templates)


def image_folder(name):
    """A class a folder, in two of three forms a link: a folder, or each of its pictures."""
    classes = json.loads((lists / "en_classnames.json").read_text())[name]
    templates = json.loads((lists / "en_zeroshot_classification_templates.json").read_text())[name]
    pairs = Pairs()
    for label in range(len(classes)):
        place = folder / name / "test" / f"{'Zz'[label % 2]}{label}"
        real = place if label % 3 == 0 else folder / "elsewhere" / str(label)
        real.mkdir(parents=True)
        for number in range(6):
            image = draw(label)
            image.save(real / f"{number}.png")
            pairs.append((image, label))
        if label % 3 == 1:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(real)
        if label % 3 == 2:
            place.mkdir(parents=True)
            for file in real.iterdir():
                (place / file.name).symlink_to(file)
        (real / "notes.txt").write_text("no picture")
    # ImageFolder numbers the folders in the order of their names
    order = sorted(range(len(classes)), key=lambda label: f"{'Zz'[label % 2]}{label}")
    pairs = Pairs((image, order.index(label)) for image, label in pairs)
    labelled[name] = (pairs, classes, templates)


def retrieval(name):
    pairs = Pairs()
    for number in range(30):
        label = int(rng.integers(0, len(colours)))
        words = rng.permutation(["small", "near a wall", "Ünder the sun", "on paper", "№ 7"])[: 1 + number % 5]
        pairs.append((draw(label), [f"{int(rng.integers(2, 99))} times colour {label}, {word}" for word in words]))
    webdataset_builder.convert_retrieval_dataset(
        pairs, "test", str(folder / name), transform=webdataset_builder.PIL_to_bytes("png"), image_format="png", max_count=12
    )
    return pairs


def evaluate(dataset, root, *options):
    out = folder / "result.json"
    sys.argv = [
        *("clip_benchmark", "eval", "--dataset", dataset, "--dataset_root", str(root), "--model", "small"),
        *("--pretrained", str(folder / "model.safetensors"), "--no_amp", "--num_workers", "0", "--batch_size", "16"),
        *("--output", str(out), "--quiet", *options),
    ]
    clip_benchmark.cli.main()
    return json.loads(out.read_text())["metrics"]


def main():
    config = {
        "embed_dim": 32,
        "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 64, "layers": 2, "head_width": 32},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
    }
    (folder / "small.json").write_text(json.dumps(config))
    open_clip.add_model_config(folder / "small.json")
    two = ["a drawing of a {c}.", "the {c}"]
    names = ["red square", "green circle", "blue square", "yellow circle", "café's star", "black circle", "white square"]
    classification("shapes", names, two, 63, image_format="webp", max_count=25)
    classification("digits", ["1", "2", "3", "4", "5", "6"], ["{c}"], 48, image_format="png")
    classification("few", ["9", "0", "1"], ["number {c}"], 24, image_format="jpg", max_count=10)
    image_folder("fer2013")
    captions = retrieval("captions")

    # Random towers know nothing of each other: the text projection that least squares gives makes some answers right.
    model = open_clip.model.CLIP(**config).eval()
    transform, tokenizer = image_transform(32, is_train=False), open_clip.get_tokenizer("small")
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.ndim > 1:
                parameter.mul_(3)
        see = lambda images: model.encode_image(torch.stack([transform(image) for image in images]), normalize=True).numpy()
        texts, targets = [], []
        for pairs, classes, templates in labelled.values():
            features, labels = see([image for image, _ in pairs]), np.array([label for _, label in pairs])
            for label, name in enumerate(classes):
                texts += [template.format(c=name) for template in templates]
                targets += [features[labels == label].mean(0)] * len(templates)
        for (_, own), feature in zip(captions, see([image for image, _ in captions])):
            texts += own
            targets += [feature] * len(own)
        model.text_projection = torch.nn.Parameter(torch.eye(config["text_cfg"]["width"]))
        pooled = model.encode_text(tokenizer(texts)).numpy()
        projection = np.linalg.lstsq(pooled, np.stack(targets), rcond=0.01)[0]
        model.text_projection = torch.nn.Parameter(torch.from_numpy(projection.astype(np.float32)))
    state = {key: value.contiguous() for key, value in model.state_dict().items() if key != "attn_mask"}
    save_file(state, folder / "model.safetensors")

    results = {name: evaluate(f"wds/{name}", folder / name) for name in ("shapes", "digits", "few")}
    results["fer2013"] = evaluate("fer2013", folder / "fer2013")
    results["captions"] = evaluate(
        "wds/captions", folder / "captions", "--task", "zeroshot_retrieval", "--recall_k", "1", "5", "10"
    )
    return {"lists": str(lists), "results": results}


with contextlib.redirect_stdout(io.StringIO()):
    answer = main()
# what has no meaning is NaN there, and null in JSON
print(json.dumps(answer).replace("NaN", "null"))
