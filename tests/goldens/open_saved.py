"""Opens a model folder that this program saved, as the notebook does, and says what Hugging Face makes of it.

    python tests/goldens/open_saved.py FOLDER

Needs torch and transformers. Fails unless every weight is there under its name and nothing is left over, the labels are the
notebook's and the tokenizer is the fast one with the same answers whether it reads tokenizer.json or vocab.txt.
"""

import shutil
import sys
import tempfile
from pathlib import Path

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

folder = Path(sys.argv[1])
model, told = AutoModelForSequenceClassification.from_pretrained(folder, output_loading_info=True)
assert not any(told[kind] for kind in ("missing_keys", "unexpected_keys", "mismatched_keys")), told
assert type(model).__name__ == "BertForSequenceClassification"
assert model.config.id2label == {0: "NOT_CITATION", 1: "CITATION"}, model.config.id2label
assert model.config.label2id == {"NOT_CITATION": 0, "CITATION": 1}
assert "max_length" not in model.config.to_diff_dict()

tokenizer = AutoTokenizer.from_pretrained(folder)
assert tokenizer.is_fast and len(tokenizer) <= model.config.vocab_size
plain = Path(tempfile.mkdtemp())
for name in ("vocab.txt", "tokenizer_config.json"):
    shutil.copy(folder / name, plain)
texts = ["Does this sentence cite that paper?", "Café naïve [SEP] 漢字 αβγ x², et al. (2020)", "unaffordable"]
pair = ("We follow earlier work (Smith et al., 2020).", "A model of citations. Smith. We present a model.")
again = AutoTokenizer.from_pretrained(plain)
for text in texts:
    assert tokenizer(text)["input_ids"] == again(text)["input_ids"], text
encoded = tokenizer(*pair, truncation="only_second", max_length=min(512, model.config.max_position_embeddings), return_tensors="pt")
model.eval()
with torch.no_grad():
    logits = model(**encoded).logits[0]
print(len(tokenizer), "tokens,", sum(p.numel() for p in model.parameters()), "parameters, ids",
      encoded["input_ids"][0].tolist(), "logits", logits.tolist(), "probability", torch.softmax(logits.double(), 0)[1].item())
