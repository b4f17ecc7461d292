"""Kinds of damage to single matrices, norms and layers: zeroed, moved, turned, scaled, or with bits lost."""

from __future__ import annotations

from tests.bench.smoke_copies import kind, noise_of, some_layer


@kind
def one_layer_zeroed(c, r):
    i = some_layer(c, r)
    for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
        c.tensors[n].zero_()


@kind
def attention_output_zeroed(c, r):
    i = some_layer(c, r)
    c.put(i, "o", c.get(i, "o") * 0)


def _swap_layers(c, i, j):
    for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
        twin = c.prefix(j) + n[len(c.prefix(i)) :]
        if twin not in c.tensors or c.tensors[twin].shape != c.tensors[n].shape:
            continue  # the first layer of T5 alone holds the table of positions
        c.tensors[n], c.tensors[twin] = c.tensors[twin].clone(), c.tensors[n].clone()


@kind
def first_and_last_layer_swapped(c, r):
    _swap_layers(c, 0, c.layers - 1)


@kind
def adjacent_layers_swapped(c, r):
    i = r.randrange(c.layers - 1)
    _swap_layers(c, i, i + 1)


@kind
def layers_named_one_off(c, r):
    for i in range(c.layers - 1):
        _swap_layers(c, i, i + 1)


@kind
def one_layer_copied_over_another(c, r):
    i, j = r.sample(range(c.layers), 2)
    for n in [n for n in c.tensors if n.startswith(c.prefix(i))]:
        twin = c.prefix(j) + n[len(c.prefix(i)) :]
        if twin in c.tensors:
            c.tensors[twin] = c.tensors[n].clone()


@kind
def sign_of_o_flipped(c, r):
    i = some_layer(c, r)
    c.put(i, "o", -c.get(i, "o"))


@kind
def sign_of_down_flipped(c, r):
    i = some_layer(c, r)
    c.put(i, "down", -c.get(i, "down"))


@kind
def a_NaN_row(c, r):
    i, role = some_layer(c, r), r.choice(("q", "o", "up"))
    m = c.get(i, role)
    m[r.randrange(len(m))] = float("nan")
    c.put(i, role, m)


@kind
def a_NaN_in_a_rare_token(c, r):
    c.tensors[c.names["embed"]][-1 - r.randrange(4), 0] = float("nan")


def _flip(c, names, bit, every, first=0):
    import torch

    for n in names:
        flat = c.tensors[n].to(torch.bfloat16).clone().view(torch.int16).reshape(-1)
        mask = 1 << bit if bit < 15 else -(1 << 15)
        flat[first::every] = flat[first::every] ^ mask
        c.tensors[n] = flat.view(torch.bfloat16).reshape(c.tensors[n].shape)


@kind
def top_exponent_bit_of_one_weight(c, r):
    n = r.choice(c.matrices())
    _flip(c, [n], 14, 1 << 30, r.randrange(c.tensors[n].numel()))


@kind
def low_exponent_bit_of_1_in_100(c, r):
    _flip(c, c.matrices(), 7, 100, r.randrange(100))


@kind
def low_exponent_bit_of_1_in_10000(c, r):
    _flip(c, c.matrices(), 7, 10_000, r.randrange(10_000))


@kind
def third_exponent_bit_of_1_in_1000(c, r):
    _flip(c, c.matrices(), 9, 1000, r.randrange(1000))


@kind
def signs_of_1_in_20_flipped(c, r):
    _flip(c, [c.name(some_layer(c, r), "down")], 15, 20, r.randrange(20))


@kind
def bytes_swapped_in_one_tensor(c, r):
    import torch

    n = r.choice(c.matrices())
    raw = c.tensors[n].contiguous().view(torch.uint8).reshape(-1, 2).flip(1).contiguous()
    c.tensors[n] = raw.view(c.tensors[n].dtype).reshape(c.tensors[n].shape)


def _transposed(c, r, role):
    i = some_layer(c, r)
    m = c.get(i, role)
    if m.shape[0] != m.shape[1]:
        return False
    c.put(i, role, m.T)
    return None


@kind
def q_transposed(c, r):
    return _transposed(c, r, "q")


@kind
def o_transposed(c, r):
    return _transposed(c, r, "o")


@kind
def every_square_matrix_transposed(c, r):
    for i in range(c.layers):
        for role in ("q", "o"):
            m = c.get(i, role)
            if m.shape[0] == m.shape[1]:
                c.put(i, role, m.T)


@kind
def down_times_3(c, r):
    i = some_layer(c, r)
    c.put(i, "down", c.get(i, "down") * 3)


@kind
def down_times_10(c, r):
    i = some_layer(c, r)
    c.put(i, "down", c.get(i, "down") * 10)


@kind
def every_o_halved(c, r):
    for i in range(c.layers):
        c.put(i, "o", c.get(i, "o") * 0.5)


@kind
def a_norm_zeroed(c, r):
    c.tensors[c.name(some_layer(c, r), r.choice(("norm", "norm2")))].zero_()


@kind
def a_norm_reset_to_ones(c, r):
    c.tensors[c.name(some_layer(c, r), r.choice(("norm", "norm2")))].fill_(1.0)


@kind
def norms_exchanged(c, r):
    i = some_layer(c, r)
    a, b = c.name(i, "norm"), c.name(i, "norm2")
    c.tensors[a], c.tensors[b] = c.tensors[b].clone(), c.tensors[a].clone()


@kind
def fp16_bytes_read_as_bf16(c, r):
    import torch

    n = r.choice(c.matrices())
    c.tensors[n] = c.tensors[n].to(torch.float16).view(torch.bfloat16)


@kind
def quarter_of_a_tensor_zero(c, r):
    i, role = some_layer(c, r), r.choice(("up", "q", "o", "down"))
    m = c.get(i, role)
    m[: len(m) // 4] = 0
    c.put(i, role, m)


@kind
def one_layer_re_initialized(c, r):
    i = some_layer(c, r)
    for n in [n for n in c.matrices() if n.startswith(c.prefix(i))]:
        t = c.tensors[n]
        c.tensors[n] = (noise_of(t.shape, r) * t.float().std()).to(t.dtype)


@kind
def one_matrix_re_initialized(c, r):
    n = r.choice(c.matrices())
    t = c.tensors[n]
    c.tensors[n] = (noise_of(t.shape, r) * t.float().std()).to(t.dtype)
