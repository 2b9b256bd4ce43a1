"""Writes the checkpoint in this folder, by TensorFlow itself; run it with an interpreter that has tensorflow-cpu.

The model is OpenAI's (gpt-2/src/model.py, MIT licence) in a tiny shape; ``logits.json`` holds what it computes. The
weights are those of `values_of`, so that a test knows them bit for bit.

    python -m venv /tmp/tensorflow && /tmp/tensorflow/bin/pip install tensorflow-cpu
    /tmp/tensorflow/bin/python tests/library/tensorflow_checkpoint/make.py
"""

import json
import zlib
from pathlib import Path

import numpy as np

HERE = Path(__file__).parent
HPARAMS = {"n_vocab": 270, "n_ctx": 16, "n_embd": 8, "n_head": 2, "n_layer": 2}
MERGES = ["Ġ t", "Ġ a", "h e", "i n", "r e", "o n", "Ġt he", "e r", "Ġ s", "a t", "Ġ w", "Ġ o", "e n"]
IDS = [[84, 258, 270 - 1, 10, 200, 3, 3, 90], [1, 2, 3, 4, 5, 6, 7, 8]]


def values_of(name: str, shape: tuple[int, ...]) -> np.ndarray:
    """The values of a variable: pseudo-random numbers whose seed is its name."""
    noise = np.random.RandomState(zlib.crc32(name.encode())).standard_normal(shape)
    return (1.0 * name.endswith("/g") + 0.3 * noise).astype(np.float32)


def encoder() -> dict[str, int]:
    """OpenAI's letters for the 256 bytes, the merges, and the end of text."""
    printable = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in printable]
    tokens = [*map(chr, printable), *(chr(256 + index) for index in range(len(others)))]
    tokens += [merge.replace(" ", "") for merge in MERGES]
    return {token: id for id, token in enumerate([*tokens, "<|endoftext|>"])}


def main() -> None:
    """Builds the model in a graph, saves it and what it computes."""
    import tensorflow

    tf = tensorflow.compat.v1
    tf.disable_eager_execution()

    def variable(name: str, shape: list[int]):
        full = f"{tf.get_variable_scope().name}/{name}"
        return tf.get_variable(name, initializer=tf.constant(values_of(full, tuple(shape))))

    def norm(x, scope):
        with tf.variable_scope(scope):
            n = x.shape[-1]
            g, b = variable("g", [n]), variable("b", [n])
            u = tf.reduce_mean(x, axis=-1, keepdims=True)
            s = tf.reduce_mean(tf.square(x - u), axis=-1, keepdims=True)
            return (x - u) * tf.rsqrt(s + 1e-5) * g + b

    def conv1d(x, scope, nf):
        with tf.variable_scope(scope):
            start, nx = x.shape[:-1], x.shape[-1]
            w, b = variable("w", [1, nx, nf]), variable("b", [nf])
            product = tf.matmul(tf.reshape(x, [-1, nx]), tf.reshape(w, [-1, nf])) + b
            return tf.reshape(product, [*start, nf])

    def attn(x, scope):
        batch, length, n = x.shape
        heads = HPARAMS["n_head"]
        with tf.variable_scope(scope):
            c = conv1d(x, "c_attn", 3 * n)
            q, k, v = (
                tf.transpose(tf.reshape(part, [batch, length, heads, n // heads]), [0, 2, 1, 3])
                for part in tf.split(c, 3, axis=2)
            )
            w = tf.matmul(q, k, transpose_b=True) * (float(n // heads) ** -0.5)
            mask = tf.linalg.band_part(tf.ones([length, length]), -1, 0)
            w = tf.nn.softmax(w * mask - 1e10 * (1 - mask))
            a = tf.reshape(tf.transpose(tf.matmul(w, v), [0, 2, 1, 3]), [batch, length, n])
            return conv1d(a, "c_proj", n)

    def mlp(x, scope):
        with tf.variable_scope(scope):
            h = conv1d(x, "c_fc", 4 * x.shape[-1])
            h = 0.5 * h * (1 + tf.tanh(np.sqrt(2 / np.pi) * (h + 0.044715 * tf.pow(h, 3))))
            return conv1d(h, "c_proj", x.shape[-1])

    ids = np.array(IDS)
    with tf.variable_scope("model"):
        wpe = variable("wpe", [HPARAMS["n_ctx"], HPARAMS["n_embd"]])
        wte = variable("wte", [HPARAMS["n_vocab"], HPARAMS["n_embd"]])
        h = tf.gather(wte, ids) + tf.gather(wpe, np.arange(ids.shape[1]))
        for layer in range(HPARAMS["n_layer"]):
            with tf.variable_scope(f"h{layer}"):
                h = h + attn(norm(h, "ln_1"), "attn")
                h = h + mlp(norm(h, "ln_2"), "mlp")
        logits = tf.einsum("bte,ve->btv", norm(h, "ln_f"), wte)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        saver = tf.train.Saver(save_relative_paths=True)
        saver.save(session, str(HERE / "model.ckpt"), write_meta_graph=False)
        found = session.run(logits)
    (HERE / "hparams.json").write_text(json.dumps(HPARAMS) + "\n")
    (HERE / "encoder.json").write_text(json.dumps(encoder()) + "\n")
    (HERE / "vocab.bpe").write_text("\n".join(["#version: 0.2", *MERGES, ""]), encoding="utf-8")
    last = [[round(float(value), 5) for value in text[-1]] for text in found]
    (HERE / "logits.json").write_text(json.dumps({"ids": IDS, "last": last}) + "\n")


if __name__ == "__main__":
    main()
