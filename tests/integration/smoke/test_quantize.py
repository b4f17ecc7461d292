"""The integers themselves: how near they come, and that damage is not rounded away."""

import pytest

torch = pytest.importorskip("torch", reason="needs the smoke requirements")

from smoke import quantize  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize("shape", [(8, 64), (5, 33), (4097, 32), (3, 1), (1, 95)])
@pytest.mark.parametrize(("bits", "levels"), [(8, 127), (4, 7)])
def test_no_value_is_off_by_more_than_half_a_step(shape, bits, levels):
    matrix = torch.randn(shape, generator=torch.Generator().manual_seed(1))
    back = quantize.unpack(*quantize.pack(matrix, bits), bits, shape[1])
    assert back.shape == matrix.shape
    step = matrix.abs().amax(dim=1, keepdim=True) / levels
    assert bool(((back - matrix).abs() <= 0.501 * step).all())


@pytest.mark.parametrize("bits", [8, 4])
def test_zeros_stay_zeros(bits):
    matrix = torch.zeros(4, 64)
    assert torch.equal(quantize.unpack(*quantize.pack(matrix, bits), bits, 64), matrix)


@pytest.mark.parametrize("bits", [8, 4])
@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_a_value_that_is_no_number_still_spoils_the_result(bits, bad):
    matrix = torch.ones(4, 64)
    matrix[2, 5] = bad
    back = quantize.unpack(*quantize.pack(matrix, bits), bits, 64)
    assert not bool(torch.isfinite(back[2]).all())
    assert torch.allclose(back[[0, 1, 3]], matrix[[0, 1, 3]])


@pytest.mark.parametrize("bits", [8, 4])
def test_four_bits_take_half_of_eight(bits):
    weight, scale = quantize.pack(torch.randn(64, 128), bits)
    assert weight.numel() * weight.element_size() == 64 * 128 * bits // 8
    assert scale.numel() == 64 * (1 if bits == 8 else 4)


def linear(bits, inputs=64, outputs=5000):
    source = torch.nn.Linear(inputs, outputs)
    module = quantize.QuantizedLinear(inputs, outputs, bits, True, False)
    module.weight, module.scale = quantize.pack(source.weight.detach(), bits)
    module.bias = source.bias
    return source, module


@pytest.mark.parametrize("bits", [8, 4])
def test_the_product_in_blocks_is_the_product(bits):
    source, module = linear(bits)
    x = torch.randn(2, 3, 64)
    with torch.inference_mode():
        difference = (module(x) - source(x)).abs().max() / source(x).abs().max()
    assert float(difference) < (0.01 if bits == 8 else 0.15)


def test_the_fused_product_is_used_only_where_it_agrees(monkeypatch):
    assert quantize.fused_kernel_works("cpu", torch.bfloat16)
    monkeypatch.setattr(torch, "_weight_int8pack_mm", lambda x, w, s: torch.zeros(x.shape[0], w.shape[0]))
    assert not quantize.fused_kernel_works("cpu", torch.bfloat16)
    monkeypatch.delattr(torch, "_weight_int8pack_mm")
    assert not quantize.fused_kernel_works("cpu", torch.bfloat16)
    assert not quantize.fused_kernel_works("cuda:0", torch.bfloat16)


def test_both_kernels_compute_the_same():
    _, module = linear(8)
    x = torch.randn(7, 64).bfloat16()
    with torch.inference_mode():
        portable = module(x)
        module.kernel = "int8pack"
        fused = module(x)
    assert float((fused - portable).abs().max() / portable.abs().max()) < 0.02
