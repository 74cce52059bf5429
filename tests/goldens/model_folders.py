"""Tiny model folders as PyTorch and Hugging Face write them, and what is in them: fills tests/fixtures/models.

Needs torch, transformers and safetensors. Every weight is a simple function of its place, so that the tests need no copy
of the numbers: element i of a tensor is ((i * 37 + 11 * length of the name) mod 101 - 50) / 64, exact in every format.
"""

import json
import shutil
from pathlib import Path

import torch
from safetensors.torch import save_file
from transformers import AutoTokenizer, BertConfig, BertForMaskedLM, BertForSequenceClassification, BertTokenizer

OUT = Path(__file__).resolve().parents[1] / "fixtures" / "models"
VOCABULARY = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"] + list("abcdefghijklmnopqrstuvwxyz.,") + [
    "##" + letter for letter in "abcdefghijklmnopqrstuvwxyz"
] + ["the", "model", "cites", "paper"]
CONFIG = BertConfig(
    vocab_size=len(VOCABULARY), hidden_size=8, num_hidden_layers=1, num_attention_heads=2, intermediate_size=12,
    max_position_embeddings=16, id2label={0: "NOT_CITATION", 1: "CITATION"},
    label2id={"NOT_CITATION": 0, "CITATION": 1},
)


def fill(model):
    """Sets every parameter by its name and place."""
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            places = torch.arange(parameter.numel())
            parameter.copy_((((places * 37 + 11 * len(name)) % 101 - 50) / 64).reshape(parameter.shape))
    return model


def folder(name):
    path = OUT / name
    shutil.rmtree(path, ignore_errors=True)
    path.mkdir(parents=True)
    return path


def plain(name, config=CONFIG):
    """A folder with config.json and vocab.txt, as old models have it."""
    path = folder(name)
    config.architectures = ["BertForMaskedLM"]
    config.save_pretrained(path)
    (path / "vocab.txt").write_text("".join(token + "\n" for token in VOCABULARY))
    return path


def old_names(state):
    """LayerNorm's parameters as they were called before 2019."""
    return {
        name.replace("LayerNorm.weight", "LayerNorm.gamma").replace("LayerNorm.bias", "LayerNorm.beta"): value
        for name, value in state.items()
    }


torch.manual_seed(0)
classifier = fill(BertForSequenceClassification(CONFIG))
masked = BertForMaskedLM(CONFIG)
masked.load_state_dict({k: v for k, v in classifier.state_dict().items() if k.startswith("bert.")}, strict=False)
masked.tie_weights()

# As Hugging Face writes it today.
path = folder("hugging_face")
classifier.save_pretrained(path)
BertTokenizer(vocab={token: place for place, token in enumerate(VOCABULARY)}).save_pretrained(path)
(path / "inference_config.json").write_text(json.dumps({
    "threshold": 0.25, "model_name": "allenai/scibert_scivocab_uncased", "max_length": 16,
    "id2label": {"0": "NOT_CITATION", "1": "CITATION"}, "label2id": {"NOT_CITATION": 0, "CITATION": 1},
    "learning_rate": 2e-05, "num_epochs": 4, "batch_size": 8,
}, indent=2))
AutoTokenizer.from_pretrained(path)

# The original SciBERT's way: the layout before PyTorch 1.6, old names, a masked-language-model head.
path = plain("old_layout")
torch.save(old_names(masked.state_dict()), path / "pytorch_model.bin", _use_new_zipfile_serialization=False)

# A bare encoder without prefix, in half precision, in the newer layout.
path = plain("zip_half")
bare = {name.removeprefix("bert."): value.half() for name, value in classifier.state_dict().items() if name.startswith("bert.")}
bare["embeddings.position_ids"] = torch.arange(16)[None]
torch.save(bare, path / "pytorch_model.bin")

# From the data-parallel wrapper, with views: a transposed matrix, a part of a larger tensor, double precision.
path = plain("zip_views")
state = {"module." + name: value for name, value in classifier.state_dict().items()}
name = "module.bert.pooler.dense.weight"
state[name] = state[name].T.contiguous().T
name = "module.bert.embeddings.position_embeddings.weight"
state[name] = torch.cat([torch.zeros(3, 8), state[name], torch.zeros(2, 8)])[3:19]
name = "module.classifier.weight"
state[name] = state[name].double()
torch.save(state, path / "pytorch_model.bin")
path = plain("old_views")
torch.save(state, path / "pytorch_model.bin", _use_new_zipfile_serialization=False)

# Two .safetensors files with an index, in bf16.
path = plain("parts")
names = sorted(classifier.state_dict())
weight_map = {}
for part, chosen in enumerate([names[::2], names[1::2]], start=1):
    file = f"model-{part:05}-of-00002.safetensors"
    save_file({name: classifier.state_dict()[name].bfloat16() for name in chosen}, path / file, metadata={"format": "pt"})
    weight_map.update(dict.fromkeys(chosen, file))
(path / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": weight_map}, indent=1))
print(sum(file.stat().st_size for file in OUT.rglob("*") if file.is_file()), "bytes")
