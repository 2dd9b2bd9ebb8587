"""What open_clip, transformers and onnxruntime make of checkpoints: their own, and those that pairloom exported.

    python formats_reference.py make FOLDER    checkpoints of theirs, with inputs and embeddings, in FOLDER/NAME/
    python formats_reference.py embed JOBS.json

A job names a form ("openclip", "hf", "onnx", "pt", "safetensors"), its path, a safetensors file of inputs (images, ids),
perhaps a picture and texts, and where to write the embeddings.
"""
import json
import os
import sys

os.environ["HF_HUB_OFFLINE"] = "1"
import open_clip
import torch
import transformers
from open_clip.model import CLIP, convert_weights_to_fp16
from PIL import Image
from safetensors.torch import load_file, save_file

models = {
    "vit": {
        "embed_dim": 48,
        "quick_gelu": False,
        "vision_cfg": {"image_size": 64, "patch_size": 16, "layers": 3, "width": 128},
        "text_cfg": {"context_length": 20, "vocab_size": 300, "width": 64, "heads": 1, "layers": 2},
    },
    "vit_quick": {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 48, "patch_size": 16, "layers": 2, "width": 64},
        "text_cfg": {"context_length": 77, "vocab_size": 49408, "width": 128, "heads": 2, "layers": 2},
    },
    "resnet": {
        "embed_dim": 32,
        "quick_gelu": True,
        "vision_cfg": {"image_size": 96, "layers": [2, 1, 3, 1], "width": 16},
        "text_cfg": {"context_length": 16, "vocab_size": 300, "width": 64, "heads": 1, "layers": 1},
    },
}


def shake(model):
    """No tensor stays what it is initialised to, so that none can be left out unseen."""
    for tensor in list(model.parameters()) + [b for n, b in model.named_buffers() if n.endswith("running_mean")]:
        tensor.data.add_(torch.randn_like(tensor) * 0.05)
    for name, tensor in model.named_buffers():
        if name.endswith("running_var"):
            tensor.data.mul_(torch.rand_like(tensor) + 0.5)


def inputs_of(size, length, vocabulary):
    ids = torch.randint(1, vocabulary - 2, (3, length))
    for row, end in enumerate((length - 1, length // 2, 3)):
        ids[row, end] = vocabulary - 1
        ids[row, end + 1 :] = 0
    return {"images": torch.randn(3, 3, size, size), "ids": ids}


def embedded(model, inputs, prefix=""):
    with torch.no_grad():
        image, text = model.encode_image(inputs["images"]), model.encode_text(inputs["ids"])
    return {f"{prefix}image": image.contiguous(), f"{prefix}text": text.contiguous()}


def program_of(model, inputs):
    """A TorchScript archive of half precision with the numbers that OpenAI keeps beside the weights."""
    one = (inputs["images"][:1], inputs["ids"][:1])
    for name, number in (("input_resolution", one[0].shape[-1]), ("context_length", one[1].shape[-1]), ("vocab_size", model.vocab_size)):
        model.__dict__.pop(name, None)
        model.register_buffer(name, torch.tensor(number))
    methods = {"forward": one, "encode_image": one[0], "encode_text": one[1]}
    return torch.jit.trace_module(model, methods, check_trace=False).half()


def make_open_clip(name, cfg, folder):
    os.makedirs(folder)
    model = CLIP(**json.loads(json.dumps(cfg))).eval()
    shake(model)
    size = cfg["vision_cfg"]["image_size"]
    inputs = inputs_of(size, cfg["text_cfg"]["context_length"], cfg["text_cfg"]["vocab_size"])
    state = model.state_dict()
    results = {**inputs, **embedded(model, inputs)}
    save_file({key: tensor.contiguous() for key, tensor in state.items()}, f"{folder}/plain.safetensors")
    optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
    sum(p.sum() for p in model.parameters()).backward()
    before = {key: tensor.clone() for key, tensor in state.items()}
    optimizer.step()
    wrapped = {f"module.{key}": tensor for key, tensor in before.items()}
    torch.save({"epoch": 3, "name": name, "state_dict": wrapped, "optimizer": optimizer.state_dict()}, f"{folder}/training.pt")
    model.load_state_dict(before)
    half = {key: tensor.half().float() if tensor.is_floating_point() else tensor for key, tensor in before.items()}
    model.load_state_dict(half)
    results.update(embedded(model, inputs, "half_"))
    torch.jit.save(program_of(model, inputs), f"{folder}/program.pt")
    model = CLIP(**json.loads(json.dumps(cfg))).eval()
    model.load_state_dict(half)
    convert_weights_to_fp16(model)
    torch.jit.save(torch.jit.script(model), f"{folder}/script.pt")
    save_file(results, f"{folder}/expected.safetensors")


def make_transformers(folder):
    text = dict(hidden_size=64, intermediate_size=160, num_hidden_layers=2, num_attention_heads=4, max_position_embeddings=20, vocab_size=300)
    vision = dict(hidden_size=96, intermediate_size=200, num_hidden_layers=2, num_attention_heads=3, image_size=64, patch_size=16)
    for name, extra in {"hf_legacy": {"eos_token_id": 2}, "hf_eos": {"eos_token_id": 7, "hidden_act": "gelu"}}.items():
        config = transformers.CLIPConfig(
            text_config={**text, **extra}, vision_config={**vision, "hidden_act": extra.get("hidden_act", "quick_gelu")}, projection_dim=40
        )
        model = transformers.CLIPModel(config).eval()
        shake(model)
        inputs = inputs_of(64, 20, 300)
        if name == "hf_eos":
            inputs["ids"][inputs["ids"] == 7] = 8
            inputs["ids"][:, 11] = inputs["ids"][:, 15] = 7
        with torch.no_grad():
            image = model.get_image_features(inputs["images"]).pooler_output
            words = model.get_text_features(inputs["ids"]).pooler_output
        model.save_pretrained(f"{folder}/{name}", max_shard_size="300KB" if name == "hf_legacy" else "5GB")
        save_file({**inputs, "image": image, "text": words}, f"{folder}/{name}.expected.safetensors")
    # as transformers before version 4.31 wrote: a pickle, with position_ids
    os.makedirs(f"{folder}/hf_pickle")
    config.save_pretrained(f"{folder}/hf_pickle")
    positions = {"text_model.embeddings.position_ids": torch.arange(20)[None]}
    torch.save({**model.state_dict(), **positions}, f"{folder}/hf_pickle/pytorch_model.bin")
    os.link(f"{folder}/hf_eos.expected.safetensors", f"{folder}/hf_pickle.expected.safetensors")


def load_open_clip(job):
    if job["form"] == "openclip":
        model, _, preprocess = open_clip.create_model_and_transforms(f"local-dir:{job['path']}")
        return model.eval(), preprocess, open_clip.get_tokenizer(f"local-dir:{job['path']}")
    model = CLIP(**job["config"]).eval()
    state = load_file(job["path"]) if job["form"] == "safetensors" else torch.load(job["path"], weights_only=True)
    model.load_state_dict(state)
    return model, None, None


def embed_open_clip(job, inputs):
    model, preprocess, tokenizer = load_open_clip(job)
    results = embedded(model, inputs)
    if "picture" in job:
        raw = {"images": preprocess(Image.open(job["picture"]))[None], "ids": tokenizer(job["texts"])}
        results.update(embedded(model, raw, "raw_"))
    return results


def embed_transformers(job, inputs):
    model = transformers.CLIPModel.from_pretrained(job["path"]).eval()
    results = {}
    with torch.no_grad():
        results["image"] = model.get_image_features(inputs["images"]).pooler_output
        results["text"] = model.get_text_features(inputs["ids"]).pooler_output
        if "picture" in job:
            picture = Image.open(job["picture"])
            processor = transformers.CLIPProcessor.from_pretrained(job["path"])
            raw = processor(text=job["texts"], images=picture, return_tensors="pt", padding=True, truncation=True)
            results["raw_image"] = model.get_image_features(raw["pixel_values"]).pooler_output
            results["raw_text"] = model.get_text_features(raw["input_ids"], attention_mask=raw["attention_mask"]).pooler_output
            pillow = transformers.CLIPImageProcessorPil.from_pretrained(job["path"])
            results["pillow_pixels"] = pillow(picture, return_tensors="pt")["pixel_values"]
            tokenizers = [transformers.CLIPTokenizer, transformers.CLIPTokenizerFast, transformers.AutoTokenizer]
            for tokenizer in tokenizers:
                again = tokenizer.from_pretrained(job["path"])(job["texts"], return_tensors="pt", padding=True, truncation=True)
                assert torch.equal(again["input_ids"], raw["input_ids"]), tokenizer
            results["raw_ids"] = raw["input_ids"]
    return {key: tensor.contiguous() for key, tensor in results.items()}


def embed_onnx(job, inputs):
    import onnx
    import onnxruntime

    results = {}
    for tower, name, values in (("image", "images", inputs["images"]), ("text", "input_ids", inputs["ids"].long())):
        path = f"{job['path']}/{tower}.onnx"
        onnx.checker.check_model(path, full_check=True)
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
        whole = session.run([f"{tower}_features"], {name: values.numpy()})[0]
        single = session.run([f"{tower}_features"], {name: values[:1].numpy()})[0]
        results[tower], results[f"single_{tower}"] = torch.from_numpy(whole), torch.from_numpy(single)
    return results


def main(command, argument):
    torch.manual_seed(7)
    torch.set_num_threads(2)
    if command == "make":
        for name, cfg in models.items():
            make_open_clip(name, cfg, f"{argument}/{name}")
        make_transformers(argument)
        print(json.dumps(models))
        return
    ways = {"hf": embed_transformers, "onnx": embed_onnx}
    with open(argument) as file:
        jobs = json.load(file)
    for job in jobs:
        inputs = load_file(job["inputs"])
        save_file(ways.get(job["form"], embed_open_clip)(job, inputs), job["out"])


main(*sys.argv[1:])
