"""What open_clip and PyTorch make of a run's files, as one JSON object a line.

    python torchrun_reference.py embed MODEL_FOLDER CHECKPOINT.pt PICTURE... -- TEXT...
    python torchrun_reference.py same EXPORTED.pt CHECKPOINT.pt
    python torchrun_reference.py hostile FILE.pt MARKER
"""
import collections
import json
import os
import sys

import torch


def embed(folder, checkpoint, *rest):
    import open_clip
    from PIL import Image

    at = rest.index("--")
    pictures, texts = rest[:at], list(rest[at + 1 :])
    model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{folder}")
    open_clip.load_checkpoint(model, checkpoint)
    model.eval()
    tokenizer = open_clip.get_tokenizer(f"local-dir:{folder}")
    with torch.no_grad():
        images = [preprocess(Image.open(path)).unsqueeze(0) for path in pictures]
        result = {
            "pictures": [model.encode_image(image, normalize=True)[0].tolist() for image in images],
            "texts": model.encode_text(tokenizer(texts), normalize=True).tolist(),
        }
    print(json.dumps(result))


def same(exported, checkpoint):
    ours = torch.load(exported, weights_only=True)
    theirs = torch.load(checkpoint, map_location="cpu")["state_dict"]
    theirs = {name.removeprefix("module."): tensor for name, tensor in theirs.items()}
    equal = [ours[name].dtype == theirs[name].dtype and torch.equal(ours[name], theirs[name]) for name in theirs]
    dict_type = isinstance(ours, collections.OrderedDict)
    print(json.dumps({"names": list(ours) == list(theirs), "equal": all(equal), "tensors": len(equal), "ordered": dict_type}))


class Command:
    def __init__(self, marker):
        self.marker = marker

    def __reduce__(self):
        return os.system, (f"touch {self.marker}",)


def hostile(path, marker):
    torch.save({"state_dict": {"weight": torch.zeros(2)}, "more": Command(marker)}, path)
    print(json.dumps({"written": True}))


{"embed": embed, "same": same, "hostile": hostile}[sys.argv[1]](*sys.argv[2:])
