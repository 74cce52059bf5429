"""Golden values for the model and its training, from Hugging Face's BERT and `Trainer`: writes bert.json beside itself.

Run with Python 3.13, torch 2.15, transformers 5.23, accelerate and NumPy:

    python tests/goldens/bert.py

Weights and inputs come from formulas that `tests/tiny/mod.rs` repeats; nothing else is shared.
"""

import json
import tempfile
from pathlib import Path

import numpy
import torch
from transformers import BertConfig, BertForSequenceClassification, Trainer, TrainingArguments

CONFIG = dict(
    vocab_size=60,
    hidden_size=24,
    num_hidden_layers=2,
    num_attention_heads=3,
    intermediate_size=48,
    hidden_dropout_prob=0.0,
    attention_probs_dropout_prob=0.0,
    max_position_embeddings=40,
    num_labels=2,
)
CLASS_WEIGHTS = [0.75, 1.5]
LENGTHS = [12, 40, 7, 23, 31]
LABELS = [0, 1, 1, 0, 0]
MASK32 = 0xFFFFFFFF
MASK64 = 0xFFFFFFFFFFFFFFFF
GOLDEN = 0x9E3779B97F4A7C15


def numbers(name, count):
    """Uniform in [-1, 1): Murmur3's finalizer over FNV-1a of the name."""
    start = 0x811C9DC5
    for byte in name.encode():
        start = ((start ^ byte) * 0x01000193) & MASK32
    bits = (start + numpy.arange(count, dtype=numpy.uint64) * 0x9E3779B9) & MASK32
    bits = ((bits ^ (bits >> 16)) * 0x85EBCA6B) & MASK32
    bits = ((bits ^ (bits >> 13)) * 0xC2B2AE35) & MASK32
    bits ^= bits >> 16
    return (bits / 2147483648.0 - 1.0).astype(numpy.float32)


def model():
    """Weights of ±0.3, LayerNorm's around one."""
    made = BertForSequenceClassification(BertConfig(**CONFIG, attn_implementation="eager"))
    with torch.no_grad():
        for name, parameter in made.named_parameters():
            centre = numpy.float32(1.0 if name.endswith("LayerNorm.weight") else 0.0)
            values = centre + numpy.float32(0.3) * numbers(name, parameter.numel())
            parameter.copy_(torch.from_numpy(values).reshape(parameter.shape))
    return made


def pair(tokens, seed):
    border = tokens // 3
    ids = [
        1 if position == 0
        else 2 if position in (border, tokens - 1)
        else 3 + (seed * 31 + position * 17 + seed * position) % 57
        for position in range(tokens)
    ]
    return {"input_ids": ids, "token_type_ids": [int(position > border) for position in range(tokens)]}


def collate(rows):
    longest = max(len(row["input_ids"]) for row in rows)

    def pad(values):
        return values + [0] * (longest - len(values))

    return {
        "input_ids": torch.tensor([pad(row["input_ids"]) for row in rows]),
        "token_type_ids": torch.tensor([pad(row["token_type_ids"]) for row in rows]),
        "attention_mask": torch.tensor([pad([1] * len(row["input_ids"])) for row in rows]),
        "labels": torch.tensor([row["labels"] for row in rows]),
    }


def weighted_loss(logits, labels):
    weights = torch.tensor(CLASS_WEIGHTS)
    return torch.nn.functional.cross_entropy(logits, labels, weight=weights)


def forward_and_gradients():
    made = model().train()
    rows = [pair(tokens, seed) | {"labels": label} for seed, (tokens, label) in enumerate(zip(LENGTHS, LABELS))]
    batch = collate(rows)
    labels = batch.pop("labels")
    logits = made(**batch).logits
    loss = weighted_loss(logits, labels)
    loss.backward()
    gradients = {
        name: [float(f"{value:.6g}") for value in parameter.grad.flatten().tolist()]
        for name, parameter in made.named_parameters()
    }
    return {"logits": logits.tolist(), "loss": loss.item(), "gradients": gradients}


def mix(bits):
    bits = ((bits ^ (bits >> 30)) * 0xBF58476D1CE4E5B9) & MASK64
    bits = ((bits ^ (bits >> 27)) * 0x94D049BB133111EB) & MASK64
    return bits ^ (bits >> 31)


def counter_random(seed, step, site, index):
    state = 0
    for word in (seed, step, site):
        state = mix(((state + GOLDEN) & MASK64) ^ mix((word + GOLDEN) & MASK64))
    return mix((state + (index + 1) * GOLDEN) & MASK64)


def order(length, seed, epoch):
    """The program's shuffle, so that the `Trainer` sees the same batches."""
    positions = list(range(length))
    for last in range(length - 1, 0, -1):
        chosen = (counter_random(seed, epoch, MASK64, last) * (last + 1)) >> 64
        positions[last], positions[chosen] = positions[chosen], positions[last]
    return positions


class Order(torch.utils.data.Sampler):
    def __init__(self, length, seed):
        self.length, self.seed, self.epoch = length, seed, 0

    def __iter__(self):
        positions = order(self.length, self.seed, self.epoch)
        self.epoch += 1
        return iter(positions)

    def __len__(self):
        return self.length


class WeightedTrainer(Trainer):
    """As the notebook has it, with the program's order."""

    def _get_train_sampler(self, *_):
        return Order(len(self.train_dataset), self.args.seed)

    def compute_loss(self, model, inputs, return_outputs=False, **_):
        labels = inputs.pop("labels")
        outputs = model(**inputs)
        loss = weighted_loss(outputs.logits, labels)
        return (loss, outputs) if return_outputs else loss


def examples(count, seed):
    return [
        pair(9 + (index * 7 + seed) % 23, index * 3 + seed) | {"labels": int((index + seed) % 3 == 0)}
        for index in range(count)
    ]


def training(count, **settings):
    with tempfile.TemporaryDirectory() as folder:
        arguments = TrainingArguments(
            output_dir=folder,
            per_device_train_batch_size=8,
            per_device_eval_batch_size=8,
            weight_decay=0.01,
            lr_scheduler_type="linear",
            warmup_steps=0,
            max_grad_norm=1.0,
            seed=42,
            eval_strategy="epoch",
            save_strategy="no",
            report_to=[],
            use_cpu=True,
            remove_unused_columns=False,
            disable_tqdm=True,
            **settings,
        )
        trainer = WeightedTrainer(
            model=model(),
            args=arguments,
            train_dataset=examples(count, 0),
            eval_dataset=examples(19, 5),
            data_collator=collate,
        )
        trainer.train()
        return trainer.state


def curve():
    """50 steps: 37 examples are five batches, the last of five examples."""
    state = training(37, learning_rate=1e-3, num_train_epochs=10, logging_steps=1)
    steps = [entry for entry in state.log_history if "learning_rate" in entry]
    evaluations = [entry for entry in state.log_history if "eval_loss" in entry]
    return {
        "steps": [
            {"step": e["step"], "epoch": e["epoch"], "loss": e["loss"], "learning_rate": e["learning_rate"],
             "gradient_norm": float(e["grad_norm"])}
            for e in steps
        ],
        "validation_losses": [entry["eval_loss"] for entry in evaluations],
    }


def step_counts():
    """Optimizer steps of two epochs, by examples and micro-batches a step."""
    counts = []
    for count, accumulation in [(41, 4), (32, 2), (9, 3), (8, 1)]:
        state = training(
            count, learning_rate=1e-4, num_train_epochs=2, logging_steps=100, gradient_accumulation_steps=accumulation
        )
        counts.append({"examples": count, "accumulation": accumulation, "steps": state.global_step})
    return counts


def main():
    torch.set_num_threads(1)
    golden = {"forward": forward_and_gradients(), "curve": curve(), "step_counts": step_counts()}
    text = json.dumps(golden)
    # A tensor a line keeps differences readable.
    text = text.replace('"bert.', '\n"bert.').replace('"classifier.', '\n"classifier.').replace('{"step"', '\n{"step"')
    Path(__file__).with_suffix(".json").write_text(text + "\n")


if __name__ == "__main__":
    main()
