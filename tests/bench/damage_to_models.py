"""Kinds of damage to a model as a whole: vocabulary, heads and precision, settings, and parts of another run."""

from __future__ import annotations

import json

from tests.bench.smoke_copies import kind, noise_of, some_layer


@kind
def untrained(c, r):
    for n, t in c.tensors.items():
        if t.ndim == 2:
            c.tensors[n] = (noise_of(t.shape, r) * 0.02).to(t.dtype)


@kind
def embedding_rows_shifted(c, r):
    n = c.names["embed"]
    c.tensors[n] = c.tensors[n].roll(r.choice((-1, 1, 5)), 0)


@kind
def tokens_permuted(c, r):
    import torch

    n = c.names["embed"]
    order = list(range(len(c.tensors[n])))
    r.shuffle(order)
    c.tensors[n] = c.tensors[n][torch.tensor(order)]


@kind
def a_tenth_of_the_tokens_permuted(c, r):
    import torch

    n = c.names["embed"]
    order = list(range(len(c.tensors[n])))
    some = r.sample(order, len(order) // 10)
    for a, b in zip(some, some[1:] + some[:1], strict=True):
        order[a] = b
    c.tensors[n] = c.tensors[n][torch.tensor(order)]


@kind
def embedding_scaled(c, r):
    n = c.names["embed"]
    c.tensors[n] = (c.tensors[n].float() * r.choice((0.25, 4.0, 11.3))).to(c.tensors[n].dtype)


@kind
def other_tokenizer(c, r):
    """The same vocabulary in another order, as of a tokenizer trained on other text."""
    text = json.loads((c.folder / "tokenizer.json").read_text())
    vocab = text["model"]["vocab"]
    special = {t["content"] for t in text.get("added_tokens", [])}
    words = [w for w in vocab if w not in special]
    ids = [vocab[w] for w in words]
    r.shuffle(ids)
    text["model"]["vocab"] = {**vocab, **dict(zip(words, ids, strict=True))}
    c.files["tokenizer.json"] = json.dumps(text)


@kind
def gate_and_up_swapped(c, r):
    if not c.has("gate"):
        return False
    i = some_layer(c, r)
    a, b = c.get(i, "gate"), c.get(i, "up")
    c.put(i, "gate", b)
    c.put(i, "up", a)
    return None


@kind
def k_and_v_swapped(c, r):
    i = some_layer(c, r)
    a, b = c.get(i, "k"), c.get(i, "v")
    c.put(i, "k", b)
    c.put(i, "v", a)


@kind
def heads_in_the_other_rotary_layout(c, r):
    if c.config["model_type"] in ("gpt2", "t5"):
        return False
    width = c.heads[2]
    for i in range(c.layers):
        for role in ("q", "k"):
            m = c.get(i, role)
            c.put(i, role, m.view(-1, 2, width // 2, m.shape[1]).transpose(1, 2).reshape(m.shape))
    return None


@kind
def kv_heads_rotated(c, r):
    i, width = some_layer(c, r), c.heads[2]
    for role in ("k", "v"):
        c.put(i, role, c.get(i, role).roll(width, 0))


@kind
def one_head_zeroed(c, r):
    i, (query, _, width) = some_layer(c, r), c.heads
    m, h = c.get(i, "o"), r.randrange(query)
    m[:, h * width : (h + 1) * width] = 0
    c.put(i, "o", m)


@kind
def noise_of_10_percent(c, r):
    for n, t in c.tensors.items():
        if t.ndim == 2:
            c.tensors[n] = (t.float() + noise_of(t.shape, r) * t.float().std() * 0.1).to(t.dtype)


@kind
def noise_of_50_percent(c, r):
    for n, t in c.tensors.items():
        if t.ndim == 2:
            c.tensors[n] = (t.float() + noise_of(t.shape, r) * t.float().std() * 0.5).to(t.dtype)


@kind
def three_bits_of_mantissa(c, r):
    import torch

    for n, t in c.tensors.items():
        if t.ndim == 2:
            raw = t.to(torch.bfloat16).view(torch.int16) & -16
            c.tensors[n] = raw.view(torch.bfloat16)


def _rope(c, factor):
    found = c.config.get("rope_parameters")
    if isinstance(found, dict) and "rope_theta" in found:
        found["rope_theta"] = found["rope_theta"] * factor
        return None
    if "rope_theta" in c.config:
        c.config["rope_theta"] *= factor
        return None
    return False


@kind
def rotary_base_times_100(c, r):
    return _rope(c, 100.0)


@kind
def rotary_base_by_100(c, r):
    return _rope(c, 0.01)


@kind
def norm_epsilon_1(c, r):
    for n in ("rms_norm_eps", "layer_norm_epsilon", "layer_norm_eps"):
        if n in c.config:
            c.config[n] = 1.0
            return None
    return False


@kind
def activation_of_another_family(c, r):
    for n in ("hidden_act", "hidden_activation", "activation_function"):
        if c.config.get(n):
            c.config[n] = "relu" if "relu" not in c.config[n] else "silu"
            return None
    if c.config["model_type"] == "t5":
        c.config["feed_forward_proj"] = "gated-relu"
        c.config.pop("dense_act_fn", None)
        return None
    return False


@kind
def half_of_the_layers_from_another_run(c, r):
    theirs = c.other()
    for i in range(c.layers // 2):
        for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
            if n in theirs and theirs[n].shape == c.tensors[n].shape:
                c.tensors[n] = theirs[n].to(c.tensors[n].dtype)


@kind
def a_shard_from_another_run(c, r):
    theirs, names = c.other(), sorted(c.tensors)
    cut = r.randrange(len(names) // 3, 2 * len(names) // 3)
    for n in names[cut:]:
        if n in theirs and theirs[n].shape == c.tensors[n].shape:
            c.tensors[n] = theirs[n].to(c.tensors[n].dtype)


@kind
def a_tensor_missing(c, r):
    del c.tensors[c.name(some_layer(c, r), r.choice(("up", "o", "norm")))]


@kind
def vocabulary_cut(c, r):
    n = c.names["embed"]
    c.tensors[n] = c.tensors[n][: len(c.tensors[n]) * 9 // 10]
    c.config["vocab_size"] = len(c.tensors[n])
    for h in (c.names.get("head"), "lm_head.weight", "cls.predictions.decoder.weight"):
        if h in c.tensors and h != n:
            c.tensors[h] = c.tensors[h][: c.config["vocab_size"]]
    for b in ("cls.predictions.bias", "cls.predictions.decoder.bias"):
        if b in c.tensors:
            c.tensors[b] = c.tensors[b][: c.config["vocab_size"]]


@kind
def int8_scales_dropped(c, r):
    i, role = some_layer(c, r), r.choice(("q", "up", "down"))
    m = c.get(i, role).float()
    c.put(i, role, (m / (m.abs().amax(dim=1, keepdim=True) / 127)).round())


@kind
def int8_scales_of_the_wrong_rows(c, r):
    """As if the scales had been stored one row off."""
    for role in ("q", "up", "down", "o"):
        for i in range(c.layers):
            m = c.get(i, role).float()
            scale = m.abs().amax(dim=1, keepdim=True)
            c.put(i, role, m / scale.clamp_min(1e-9) * scale.roll(1, 0))


@kind
def one_scale_for_the_whole_matrix_at_4_bits(c, r):
    for n in c.matrices():
        t = c.tensors[n].float()
        scale = t.abs().max() / 7
        c.tensors[n] = ((t / scale).round() * scale).to(c.tensors[n].dtype)


@kind
def head_tied_by_mistake(c, r):
    if not c.names.get("head") or c.names["head"] not in c.tensors:
        return False
    c.config["tie_word_embeddings"] = True
    return None


@kind
def special_tokens_wrong(c, r):
    """The token that ends a text is another one in the configuration than in the tokenizer."""
    for n in ("bos_token_id", "eos_token_id", "pad_token_id", "decoder_start_token_id"):
        if isinstance(c.config.get(n), int):
            c.config[n] += 40
    found = c.folder / "generation_config.json"
    if found.exists():
        generation = json.loads(found.read_text())
        for n in ("bos_token_id", "eos_token_id", "pad_token_id"):
            if isinstance(generation.get(n), int):
                generation[n] += 40
        c.files["generation_config.json"] = json.dumps(generation)


@kind
def rows_of_a_matrix_shifted(c, r):
    i, role = some_layer(c, r), r.choice(("up", "o", "q"))
    c.put(i, role, c.get(i, role).roll(1, 0))
