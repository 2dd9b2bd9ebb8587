"""Strings of every script, broken by wrong encodings and put together by lot, and what open_clip and ftfy make of them:
tokenizer_reference.py FTFY_CASES. Prints one JSON array."""

import json
import random
import sys
import unicodedata

import ftfy
from open_clip.tokenizer import SimpleTokenizer

tokenizer = SimpleTokenizer()
lot = random.Random(7)
encodings = ["latin-1", "cp1252", "cp1251", "cp1250", "cp1253", "cp1254", "cp1257", "iso8859-2", "mac-roman", "cp437", "utf-8"]
texts = [case["fixed"] for case in json.load(open(sys.argv[1], encoding="utf8"))]
texts += ["Привет мир", "ΣΑΣ ὈΔΥΣΣΕΎΣ", "İstanbul ŞIĞ", "日本語のテキスト", "عربى", "हिन्दी", "한국어", "ﬁne ﬂow", "I'm you'RE 'S 'ſ"]
texts += ["x² ½ Ⅷ ① 𝟘 ٣", "&amp;lt; &EACUTE; &#233; &#x1F600; &#128; &ampamp", "a\r\nb\u2028c\x85d", "a\x00b\x7f", "\ufeff\u200b\u00ad"]
texts += ["👨‍👩‍👧", "<start_of_text> <end_of_text>", "\x1b[36mcolour\x1b[0m", "ＦＵＬＬ　ｗｉｄｔｈ", "“quotes” … €100"]
cases = list(texts)
for _ in range(2500):
    text = lot.choice(texts)
    for _ in range(lot.randint(0, 3)):
        try:
            text = text.encode(lot.choice(encodings)).decode(lot.choice(encodings), lot.choice(["strict", "replace"]))
        except UnicodeError:
            pass
    if lot.random() < 0.3:
        at = lot.randint(0, len(text))
        text = text[:at] + lot.choice(texts)[: lot.randint(1, 12)] + text[at:]
    cases.append(text)
# only characters that this Python's Unicode knows: which others are letters depends on each one's version
known = [chr(code) for code in range(0x20000) if unicodedata.category(chr(code)) not in ("Cn", "Cs")]
for _ in range(1500):
    most = lot.choice([0x250, 0x2000, len(known)])
    cases.append("".join(lot.choice(known[:most]) for _ in range(lot.randint(1, 30))))
print(
    json.dumps(
        [
            {"text": text, "fixed": ftfy.fix_text(text), "ids": (ids := tokenizer.encode(text)), "decoded": tokenizer.decode(ids)}
            for text in cases
            if all(unicodedata.category(letter) != "Cn" for letter in ftfy.fix_text(text))
        ]
    )
)
