"""What PyTorch and Hugging Face do in the time that `citelink bench` measures.

    pip install torch transformers
    python benches/pytorch.py --lengths 128,512 --batch 8 --threads 2

Random weights of SciBERT's shape on the processor. Scoring is a forward pass; training is forward, cross-entropy,
backward, clipping at 1 and a fused AdamW step with dropout 0.1. bf16 is PyTorch's autocast. Prints pairs per second (the
median of three after a warm-up) and the most memory that the process has had in use.
"""

import argparse
import resource
import statistics
import time

import torch
from transformers import BertConfig, BertForSequenceClassification


def numbers(text):
    return [int(part) for part in text.split(",")]


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--batch", type=numbers, default=[8])
    parser.add_argument("--lengths", type=numbers, default=[128, 512])
    parser.add_argument("--work", default="infer,train")
    parser.add_argument("--precision", default="f32,bf16")
    parser.add_argument("--threads", type=int, default=torch.get_num_threads())
    return parser.parse_args()


def per_second(pairs, step):
    step()
    seconds = []
    for _ in range(3):
        began = time.perf_counter()
        step()
        seconds.append(time.perf_counter() - began)
    return pairs / statistics.median(seconds)


def main():
    asked = options()
    torch.set_num_threads(asked.threads)
    torch.manual_seed(0)
    config = BertConfig(vocab_size=31090, num_labels=2)
    model = BertForSequenceClassification(config)
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-5, weight_decay=0.01, fused=True)

    def score(inputs, narrow):
        model.eval()
        with torch.inference_mode(), torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            model(**inputs)

    def train(inputs, labels, narrow):
        model.train()
        optimizer.zero_grad(set_to_none=True)
        with torch.autocast("cpu", torch.bfloat16, enabled=narrow):
            logits = model(**inputs).logits
        torch.nn.functional.cross_entropy(logits.float(), labels).backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()

    print(f"torch {torch.__version__}, {torch.get_num_threads()} threads")
    print(f"{'work':<6} {'precision':<9} {'batch':>5} {'length':>6} {'pairs/second':>12}")
    for precision in asked.precision.split(","):
        for work in asked.work.split(","):
            for batch in asked.batch:
                for length in asked.lengths:
                    ids = torch.randint(5, config.vocab_size, (batch, length))
                    inputs = {"input_ids": ids, "attention_mask": torch.ones_like(ids)}
                    labels = torch.arange(batch) % 2
                    narrow = precision == "bf16"
                    step = (lambda: score(inputs, narrow)) if work == "infer" else (lambda: train(inputs, labels, narrow))
                    rate = per_second(batch, step)
                    print(f"{work:<6} {precision:<9} {batch:>5} {length:>6} {rate:>12.3f}", flush=True)
    print(f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6:.2f} GB at most")


if __name__ == "__main__":
    main()
