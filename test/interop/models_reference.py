"""What open_clip's own models are and compute, for models.test.ts and its neighbours.

models_reference.py facts < [{name, config}]
    open_clip's version, the configs that come with it, and of those that are its own towers and of the given ones: state
    keys, shapes, types, operations of a forward pass (no weights are made); of the small ones what new values are like
models_reference.py run FOLDER BATCH < [{name, config}]
    weights, inputs, features, loss and gradients, as safetensors

Prints one line of JSON.
"""

import copy
import importlib.metadata
import json
import math
import sys
from pathlib import Path

import open_clip
import torch
from open_clip.loss import ClipLoss, SigLipLoss
from open_clip.model import CLIP, CustomTextCLIP
from safetensors.torch import save_file
from torch.utils.flop_counter import FlopCounterMode


def build(config):
    config = copy.deepcopy(config)
    kind = CustomTextCLIP if config.pop("custom_text", False) else CLIP
    return kind(**config)


def shipped():
    folder = Path(open_clip.__file__).parent / "model_configs"
    return [{"name": path.stem, "config": json.loads(path.read_text())} for path in sorted(folder.glob("*.json"))]


def is_own(config):
    foreign = config["vision_cfg"].get("timm_model_name") or config["text_cfg"].get("hf_model_name")
    return not foreign and "multimodal_cfg" not in config


def flops(run):
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run()
    return counter.get_total_flops()


def image_side(config):
    size = config["vision_cfg"].get("image_size", 224)
    return size if isinstance(size, list) else [size, size]


def shapes(name, config):
    with torch.device("meta"):
        model = build(config)
        # two of each: batch normalisation refuses a single value
        images = torch.zeros(2, 3, *image_side(config))
        tokens = torch.zeros(2, model.context_length, dtype=torch.long)
        if hasattr(model.visual, "patch_dropout"):
            model.visual.patch_dropout = torch.nn.Identity()  # of all patches
        entries = [[key, list(t.shape), str(t.dtype).split(".")[1]] for key, t in model.state_dict().items()]
        return {
            "name": name,
            "state": entries,
            "parameters": sum(p.numel() for p in model.parameters()),
            "trained": [key for key, p in model.named_parameters() if p.requires_grad],
            # training mode: there the fused inference path, which the counter doesn't know, is not taken
            "imageFlops": flops(lambda: model.train().encode_image(images)) / 2,
            "textFlops": flops(lambda: model.train().encode_text(tokens)) / 2,
        }


def spread(name, config):
    torch.manual_seed(0)
    rows = {}
    for key, t in build(config).state_dict().items():
        t = t.double().flatten()
        mean = t.mean()
        variance = ((t - mean) ** 2).mean()
        fourth = ((t - mean) ** 4).mean()
        # 3 for a normal distribution, 1.8 for a uniform one
        kurtosis = (fourth / variance**2).item() if variance > 0 else 0
        rows[key] = [mean.item(), variance.sqrt().item(), kurtosis]
    return {"name": name, "spread": rows}


def texts(model_config, length, batch):
    """Words, the text's end, and padding: [B, T]."""
    text = model_config["text_cfg"]
    vocabulary, pad = text["vocab_size"], text.get("pad_id", 0)
    end = text.get("eos_id", 2) if text.get("pool_type") == "eos" else vocabulary - 1
    tokens = torch.full((batch, length), pad)
    for row in tokens:
        words = int(torch.randint(2, length, ()))
        row[:words] = torch.randint(4, vocabulary - 1, (words,))
        row[words] = end
    return tokens


def run(name, config, folder, batch):
    torch.manual_seed(len(name))
    model = build(config).float()
    full = sum(p.numel() for p in model.parameters()) > 1e7
    with torch.no_grad():
        for key, p in [*model.named_parameters(), *model.named_buffers()]:
            if not p.is_floating_point() or key.startswith("logit_") or "attn_mask" in key:
                continue
            # zeros and ones would hide what they multiply; a full-size model keeps what open_clip drew elsewhere
            if key.endswith("running_var"):
                p.mul_(1 + 0.5 * torch.rand_like(p))
            elif not full or p.ndim == 1:
                p.add_(0.1 * torch.randn_like(p))
    save_file(model.state_dict(), f"{folder}/{name}.weights.safetensors")
    images = torch.randn(batch, 3, *image_side(config))
    tokens = texts(config, model.context_length, batch)
    out = {"in.images": images, "in.tokens": tokens.int()}
    if not full:  # of a full-size model two copies would be too much for small machines
        model, images = model.double(), images.double()

    model.eval()
    with torch.no_grad():
        for tower, found in [("image", model.encode_image(images)), ("text", model.encode_text(tokens))]:
            out[f"eval.{tower}_features_raw"] = found
            out[f"eval.{tower}_features"] = torch.nn.functional.normalize(found, dim=-1)
        out["eval.logits_per_image"] = model.get_logits(images, tokens)[0]

    model.train()
    dropout = getattr(model.visual, "patch_dropout", None)
    if isinstance(dropout, open_clip.transformer.PatchDropout):
        patches = model.visual.positional_embedding.shape[0] - 1
        torch.manual_seed(7)
        kept = torch.randn(batch, patches).topk(max(1, int(patches * (1 - dropout.prob)))).indices
        out["in.kept"] = kept.int()
        torch.manual_seed(7)
    found = model(images, tokens)
    loss = (SigLipLoss() if model.logit_bias is not None else ClipLoss())(*found)
    loss.backward()
    out |= {"train.image_features": found[0], "train.text_features": found[1]}
    for key, p in model.named_parameters():
        if p.grad is not None:
            out[f"grad.{key}"] = p.grad
    for key, t in model.named_buffers():
        if "running" in key or "tracked" in key:
            out[f"after.{key}"] = t
    as_saved = {key: t.detach().float().contiguous() if t.is_floating_point() else t for key, t in out.items()}
    save_file(as_saved, f"{folder}/{name}.reference.safetensors")
    assert math.isfinite(loss.item())
    return {"name": name, "loss": loss.item()}


def facts(given):
    configs = shipped()
    everything = [*(model for model in configs if is_own(model["config"])), *given]
    described = [shapes(model["name"], model["config"]) for model in everything]
    small = {model["name"] for model in described if model["parameters"] < 1e7}
    return {
        "version": importlib.metadata.version("open_clip_torch"),
        "shipped": configs,
        "shapes": described,
        "spread": [spread(model["name"], model["config"]) for model in given if model["name"] in small],
    }


def main():
    what, *rest = sys.argv[1:]
    torch.set_num_threads(2)
    given = json.load(sys.stdin)
    if what == "facts":
        return facts(given)
    return [run(model["name"], model["config"], rest[0], int(rest[1])) for model in given]


print(json.dumps(main()))
