"""The integers themselves: how near they come, and that damage is not rounded away."""

import pytest

torch = pytest.importorskip("torch", reason="needs the smoke requirements")

from smoke import alterations, anatomy, packing, quantize  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("shape", [(8, 64), (5, 33), (4097, 32), (3, 1), (1, 95)])
@pytest.mark.parametrize(("bits", "levels"), [(8, 127), (4, 7)])
def test_no_value_is_off_by_more_than_half_a_step(shape, bits, levels):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    back = packing.unpack(*packing.pack(matrix, bits), bits, shape[1])
    assert back.shape == matrix.shape
    step = matrix.abs().amax(dim=1, keepdim=True) / levels
    assert bool(((back - matrix).abs() <= 0.501 * step).all())


@pytest.mark.parametrize("bits", [8, 4])
def test_zeros_stay_zeros(bits):
    matrix = torch.zeros(4, 64)
    assert torch.equal(packing.unpack(*packing.pack(matrix, bits), bits, 64), matrix)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_still_spoils_the_result(bits, bad):
    matrix = torch.ones(4, 64)
    matrix[2, 5] = bad
    back = packing.unpack(*packing.pack(matrix, bits), bits, 64)
    assert not bool(torch.isfinite(back[2]).all())
    assert torch.allclose(back[[0, 1, 3]], matrix[[0, 1, 3]])


@pytest.mark.parametrize("bits", [8, 4])
def test_four_bits_take_half_of_eight(bits):
    weight, scale = packing.pack(torch.randn(64, 128), bits)
    assert weight.numel() * weight.element_size() == 64 * 128 * bits // 8
    assert scale.numel() == 64 * (1 if bits == 8 else 4)


def linear(bits, inputs=64, outputs=5000):
    source = torch.nn.Linear(inputs, outputs)
    module = quantize.QuantizedLinear(inputs, outputs, bits, True, False)
    module.weight, module.scale = packing.pack(source.weight.detach(), bits)
    module.bias = source.bias
    return source, module


@pytest.mark.parametrize("bits", [8, 4])
def test_the_product_in_blocks_is_the_product(bits):
    source, module = linear(bits)
    x = torch.randn(2, 3, 64)
    with torch.inference_mode():
        difference = (module(x) - source(x)).abs().max() / source(x).abs().max()
    assert float(difference) < (0.01 if bits == 8 else 0.15)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16, torch.float32])
def test_the_portable_product_in_every_type(dtype):
    source, module = linear(8, outputs=40)
    x = torch.randn(3, 64)
    with torch.inference_mode():
        difference = (module(x.to(dtype)).float() - source(x)).abs().max() / source(x).abs().max()
    assert float(difference) < 0.02


@pytest.mark.parametrize(("bits", "name", "fused"), [(8, "int8pack", "product"), (4, "int4pack", "fused_four")])
def test_the_fused_product_is_used_only_where_it_agrees(monkeypatch, bits, name, fused):
    def computed(device="cpu", dtype=torch.bfloat16):
        return quantize.use_kernel(torch.nn.ModuleList([linear(bits, outputs=64)[1]]), device, dtype, bits)

    assert computed() == name
    assert computed("cuda:0") == computed(dtype=torch.float32) == "portable"

    def wrong(x, weight, *rest, **more):
        return x.new_zeros(len(x), 64)

    def broken(*given, **more):
        raise RuntimeError("no such operator")

    for replacement in (wrong, broken):
        monkeypatch.setattr(packing, fused, replacement)
        assert computed() == "portable"


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("inputs", [1, 7, 100])
def test_both_kernels_compute_the_same(bits, inputs):
    _, module = linear(bits, outputs=4112)
    x = torch.randn(inputs, 64).bfloat16()
    with torch.inference_mode():
        portable = module(x)
        quantize.fuse(module)
        fused = module(x)
    assert module.kernel != "portable"
    assert float((fused - portable).abs().max() / portable.abs().max()) < 0.02


def test_a_shape_that_the_fused_product_cannot_take_stays_portable():
    _, module = linear(4, inputs=48, outputs=40)
    quantize.fuse(module)
    assert module.kernel == "portable"
    model = torch.nn.ModuleList([module, linear(4, outputs=64)[1]])
    assert quantize.use_kernel(model, "cpu", torch.bfloat16, 4) == "int4pack, 1 portable"


SMALL = {"vocab_size": 96, "hidden_size": 32, "intermediate_size": 64, "num_hidden_layers": 2, "num_attention_heads": 4,
         "num_key_value_heads": 2, "max_position_embeddings": 128}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "extra", "experts"),
    [
        ("MixtralConfig", {"num_local_experts": 4, "num_experts_per_tok": 2}, 2),
        ("Qwen3MoeConfig", {"num_experts": 4, "num_experts_per_tok": 2, "moe_intermediate_size": 32, "head_dim": 8}, 2),
        ("GptOssConfig", {"num_local_experts": 4, "num_experts_per_tok": 4, "head_dim": 8, "pad_token_id": 0,
                          "eos_token_id": 1}, 2),
    ],
)  # fmt: skip
def test_fused_experts_are_held_in_integers(tmp_path, kind, extra, experts):
    """Mixtral is stored expert by expert; GPT-OSS keeps its matrices the other way round, with biases."""
    import transformers

    from smoke import loading
    from smoke.demand import demand
    from smoke.plan import open_checkpoint

    torch.manual_seed(0)
    config = getattr(transformers, kind)(**{**SMALL, **extra})
    model = transformers.AutoModelForCausalLM.from_config(config).eval()
    model.save_pretrained(tmp_path)
    ids = torch.arange(3, 43)[None]
    with torch.inference_mode():
        wanted = model(ids).logits
    for quantization, most in (("int8", 0.05), ("int4", 0.6)):
        loaded = loading.load(
            tmp_path, kind="decoder", quantization=quantization, device="cpu", dtype="float32", progress=lambda *_: None
        )
        assert not any(loaded.keys.values())
        with torch.inference_mode():
            difference = (loaded.model(ids).logits - wanted).abs().max() / wanted.abs().max()
        assert float(difference) < most
        stacks = [m for m in loaded.model.modules() if hasattr(m, "quantized_shapes")]
        assert len(stacks) == experts
        assert {m.down_proj.dtype for m in stacks} <= {torch.int8, torch.uint8}
        held = [m.down_proj for m in stacks]
        with alterations.swapped(*anatomy.stacks(loaded.model)[0]):
            assert [m.down_proj is other for m, other in zip(stacks, reversed(held), strict=True)] == [True, True]
        assert [m.down_proj is own for m, own in zip(stacks, held, strict=True)] == [True, True]
        held = sum(
            t.numel() * t.element_size() for t in loaded.model.state_dict().values() if not t.is_floating_point()
        )
        assert 0 < held < demand(open_checkpoint(tmp_path), quantization, 128).weights
