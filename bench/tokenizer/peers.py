"""Captions a second of CPU time of a Python peer: `peers.py open_clip|huggingface CAPTIONS`. Prints one JSON object."""

import gzip
import importlib.resources
import json
import sys
import time

name, path = sys.argv[1:]
captions = open(path, encoding="utf8").read().split("\n")


def open_clip_tokenizer():
    from open_clip.tokenizer import SimpleTokenizer

    tokenizer = SimpleTokenizer()
    return lambda texts: tokenizer(texts).numpy()


def hugging_face_tokenizer():
    """CLIPTokenizerFast from the vocabulary that open_clip carries."""
    import numpy
    from open_clip.tokenizer import bytes_to_unicode
    from transformers import CLIPTokenizerFast

    packed = importlib.resources.files("open_clip") / "bpe_simple_vocab_16e6.txt.gz"
    merges = gzip.decompress(packed.read_bytes()).decode().split("\n")[1 : 49152 - 256 - 2 + 1]
    letters = list(bytes_to_unicode().values())
    words = letters + [letter + "</w>" for letter in letters]
    words += ["".join(merge.split()) for merge in merges] + ["<|startoftext|>", "<|endoftext|>"]
    vocabulary = {word: number for number, word in enumerate(words)}
    rules = [tuple(merge.split()) for merge in merges]
    tokenizer = CLIPTokenizerFast(vocab=vocabulary, merges=rules, pad_token="!")

    def encode(texts):
        ids = tokenizer(texts, padding="max_length", truncation=True, max_length=77)["input_ids"]
        return numpy.asarray(ids)

    return encode


encode = {"open_clip": open_clip_tokenizer, "huggingface": hugging_face_tokenizer}[name]()
started = time.process_time()
total = 0
for at in range(0, len(captions), 1000):
    total += int(encode(captions[at : at + 1000]).sum())
seconds = time.process_time() - started
total = (total + 2**31) % 2**32 - 2**31
print(json.dumps({"rate": len(captions) / seconds, "sum": total}))
