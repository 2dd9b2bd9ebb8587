"""A small model of random weights and three datasets of drawn pictures, and how open_clip, numpy and scikit-learn evaluate
the one on the others: evaluation_reference.py FOLDER. Prints one JSON object."""

import csv
import io
import json
import sys
import warnings
from pathlib import Path

import numpy as np
import open_clip
import torch
import webdataset
from open_clip.transform import image_transform
from open_clip.zero_shot_metadata import OPENAI_IMAGENET_TEMPLATES
from PIL import Image, ImageDraw
from safetensors.torch import save_file
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import balanced_accuracy_score

warnings.filterwarnings("ignore")
torch.manual_seed(1)
torch.set_num_threads(1)
rng = np.random.default_rng(2)
folder = Path(sys.argv[1])
config = {
    "embed_dim": 32,
    "vision_cfg": {"image_size": 32, "patch_size": 8, "width": 64, "layers": 2, "head_width": 32},
    "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 64, "heads": 2, "layers": 2},
}
(folder / "model.json").write_text(json.dumps(config))
model = open_clip.model.CLIP(**config).eval()
with torch.no_grad():
    for parameter in model.parameters():
        if parameter.ndim > 1:
            parameter.mul_(3)  # texts and pictures must differ in more than the last digits
transform = image_transform(32, is_train=False)
tokenizer = open_clip.SimpleTokenizer()
classes = ["red circle", "green circle", "blue circle", "red square", "green square", "blue square", "café's star"]
colours = [(210, 40, 40), (40, 170, 60), (40, 70, 210)]


def draw(label):
    width, height = (int(v) for v in rng.integers(40, 90, 2))
    image = Image.new("RGB", (width, height), tuple(int(v) for v in rng.integers(150, 255, 3)))
    pen = ImageDraw.Draw(image)
    x, y, size = rng.integers(0, width // 3), rng.integers(0, height // 3), rng.integers(18, 36)
    box = [int(x), int(y), int(x + size), int(y + size)]
    if label < 3:
        pen.ellipse(box, colours[label])
    elif label < 6:
        pen.rectangle(box, colours[label - 3])
    else:
        pen.polygon([(box[0], box[3]), (box[2], box[3]), ((box[0] + box[2]) // 2, box[1])], (230, 200, 20))
    return image


def encoded(image, format):
    stream = io.BytesIO()
    image.save(stream, format, **({"lossless": True} if format == "webp" else {}))
    return stream.getvalue()


def features_of(images):
    with torch.no_grad():
        return model.encode_image(torch.stack([transform(image) for image in images]), normalize=True).numpy()


def write_split(root, split, samples):
    (root / split).mkdir(parents=True)
    sink = webdataset.ShardWriter(str(root / split / "%d.tar"), maxcount=25, verbose=0)
    for number, members in enumerate(samples):
        sink.write({"__key__": f"s{number:07d}", **members})
    shards = sink.shard
    sink.close()
    (root / split / "nshards.txt").write_text(f"{shards}\n")


# classification: a train and a test part, in webp and jpeg
root = folder / "shapes"
labelled = {}
for split, count in (("train", 140), ("test", 63)):
    labels = rng.permutation(np.arange(count) % len(classes))
    data = [(encoded(draw(label), "webp" if n % 2 else "jpeg"), "webp" if n % 2 else "jpg") for n, label in enumerate(labels)]
    write_split(root, split, [{ext: bytes_, "cls": int(label)} for (bytes_, ext), label in zip(data, labels)])
    labelled[split] = (features_of([Image.open(io.BytesIO(bytes_)) for bytes_, _ in data]), labels)
(root / "classnames.txt").write_text("\n".join(classes) + "\n")
(root / "zeroshot_classification_templates.txt").write_text("a drawing of a {c}.\nthe {c}\n")


def classification(scores, labels):
    order = np.argsort(-scores, axis=1, kind="stable")
    return {
        "acc1": float((order[:, 0] == labels).mean()),
        "acc5": float((order[:, :5] == labels[:, None]).any(axis=1).mean()),
        "mean_per_class_recall": float(balanced_accuracy_score(labels, order[:, 0])),
    }


def zero_shot(templates):
    features, labels = labelled["test"]
    with torch.no_grad():
        weights = open_clip.build_zero_shot_classifier(model, tokenizer, classes, templates).numpy()
    return classification(features @ weights, labels)


# retrieval: one to five texts a picture, as shards and as a csv
root = folder / "captions"
pictures, texts, owners, samples, rows = [], [], [], [], []
(folder / "table").mkdir()
for number in range(40):
    label = int(rng.integers(0, len(classes)))
    data = encoded(draw(label), "png")
    own = [f"{int(rng.integers(2, 99))} times {classes[label]}, {word}" for word in rng.permutation(["small", "near a wall", "Ünder the sun", "on paper", "№ 7"])[: 1 + number % 5]]
    pictures.append(Image.open(io.BytesIO(data)))
    owners += [number] * len(own)
    texts += own
    samples.append({"png": data, "txt": "\n".join(own)})
    (folder / "table" / f"{number}.png").write_bytes(data)
    rows += [(f"{number}.png", text) for text in own]
write_split(root, "test", samples)
(root / "dataset_type.txt").write_text("retrieval\n")
with open(folder / "table" / "captions.csv", "w", newline="", encoding="utf8") as file:
    csv.writer(file).writerows([("path", "caption"), *rows])
picture_features = features_of(pictures)

# random towers know nothing of each other: the text projection that least squares gives makes some answers right
width = config["text_cfg"]["width"]
prompts = [f"a drawing of a {name}." for name in classes]
train_x, train_y = labelled["train"]
targets = np.concatenate([picture_features[owners], [train_x[train_y == label].mean(0) for label in range(len(classes))]])
model.text_projection = torch.nn.Parameter(torch.eye(width))
with torch.no_grad():
    pooled = model.encode_text(tokenizer(texts + prompts)).numpy()
projection = np.linalg.lstsq(pooled, targets, rcond=0.01)[0]
model.text_projection = torch.nn.Parameter(torch.from_numpy(projection.astype(np.float32)))
save_file({k: v.contiguous() for k, v in model.state_dict().items() if k != "attn_mask"}, folder / "model.safetensors")

with torch.no_grad():
    text_features = model.encode_text(tokenizer(texts), normalize=True).numpy()
scores = text_features @ picture_features.T
owners = np.array(owners)
retrieval = {}
for k in (1, 5, 10):
    found = np.argsort(-scores, axis=1)[:, :k]
    retrieval[f"image_retrieval_recall@{k}"] = float((found == owners[:, None]).any(axis=1).mean())
    found = np.argsort(-scores.T, axis=1)[:, :k]
    retrieval[f"text_retrieval_recall@{k}"] = float((owners[found] == np.arange(len(pictures))[:, None]).any(axis=1).mean())

test_x, test_y = labelled["test"]
probe = LogisticRegression(C=30, max_iter=1000).fit(train_x, train_y)

print(
    json.dumps(
        {
            "templates": [template("{}") for template in OPENAI_IMAGENET_TEMPLATES],
            "own": zero_shot(["a drawing of a {}.", "the {}"]),
            "openai80": zero_shot(OPENAI_IMAGENET_TEMPLATES),
            "probe": {f"lp_{name}": value for name, value in classification(probe.decision_function(test_x), test_y).items()},
            "retrieval": retrieval,
        }
    )
)
