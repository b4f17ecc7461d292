"""Is what is stored quantized the way the configuration says?

Owns the layouts of the usual methods: which tensors stand for one matrix, and how their shapes follow from each other,
from the number of bits and from the size of a group. A method that is not known here is not judged.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from weights.catalog.coherence import QT_MISSING, QT_NONE, QT_SHAPE
from weights.findings import Finding
from weights.report import TensorRecord
from weights.stacks import LISTED_LIMIT, Tensors

PACKING = 32  # bits of the integers that hold packed values

Parts = Mapping[str, tuple[str, TensorRecord]]


def method_of(config: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The part of a configuration that says how the weights are quantized."""
    for place in (config, config.get("text_config")):
        if isinstance(place, dict):
            for key in ("quantization_config", "quantization", "compression_config"):
                if isinstance(place.get(key), dict):
                    found: dict[str, Any] = place[key]
                    return found
    return None


def unpacked_shape(leaf: str, record: TensorRecord, method: Mapping[str, Any]) -> tuple[int, int] | None:
    """Rows and columns of the matrix that packed values stand for, as a plain `weight` has them; None if unknown."""
    kind, bits = method.get("quant_method"), _bits(method)
    if len(record.shape) != 2:
        return None
    first, second = record.shape
    if leaf == "qweight" and bits is not None and record.dtype == "I32":
        if kind == "gptq" and method.get("checkpoint_format") != "marlin":
            return second, first * PACKING // bits
        if kind == "awq" and str(method.get("version", "gemm")).lower() == "gemm":
            return second * PACKING // bits, first
    if leaf == "weight_packed" and record.dtype in ("I32", "U8"):
        wide = (_scheme(method) or {}).get("num_bits")
        return (first, second * (PACKING if record.dtype == "I32" else 8) // wide) if wide in (4, 8) else None
    if leaf == "weight" and kind is None and record.dtype == "U32" and bits is not None:  # MLX
        return first, second * PACKING // bits
    return None


def check_quantization(config: Mapping[str, Any], path: str, tensors: Tensors) -> list[Finding]:
    """Findings on all quantized matrices; `path` is the configuration's."""
    method = method_of(config)
    modules = _modules(tensors)
    if method is None:
        return _undeclared(modules)
    check = _CHECKS.get(str(method.get("quant_method")))
    if check is None:
        return []
    marks, judge = check
    chosen = {name: parts for name, parts in modules.items() if any(mark in parts for mark in marks)}
    if not chosen and modules and not (method.get("quant_method") == "fp8" and _has_eight_bits(tensors)):
        return [
            QT_NONE.at(path, f"No tensor is called {' or '.join(marks)}, as {method.get('quant_method')} has them.")
        ]
    findings: list[Finding] = []
    for name, parts in chosen.items():
        findings += judge(name, parts, method)
        if len(findings) >= LISTED_LIMIT:
            break
    return findings[:LISTED_LIMIT]


def _modules(tensors: Tensors) -> dict[str, dict[str, tuple[str, TensorRecord]]]:
    modules: dict[str, dict[str, tuple[str, TensorRecord]]] = {}
    for name, placed in tensors.items():
        module, dot, leaf = name.partition(".weight.")  # bitsandbytes: `weight.absmax`
        if dot:
            leaf = f"weight.{leaf}"
        else:
            module, _, leaf = name.rpartition(".")
        modules.setdefault(module, {})[leaf] = placed
    return modules


def _undeclared(modules: Mapping[str, Parts]) -> list[Finding]:
    for name, parts in modules.items():
        mark = next((mark for mark in ("qweight", "weight_packed", "weight.absmax", "SCB") if mark in parts), None)
        if mark is not None:
            message = "The tensor is of a quantized matrix, and the configuration does not say how to read it."
            return [QT_NONE.at(parts[mark][0], message, tensor=f"{name}.{mark}")]
    return []


def _has_eight_bits(tensors: Tensors) -> bool:
    return any(record.dtype.startswith("F8_") for _, record in tensors.values())


def _lacking(name: str, parts: Parts, needed: tuple[str, ...]) -> list[Finding]:
    path = next(iter(parts.values()))[0]
    return [
        QT_MISSING.at(path, "The matrix is quantized, and this part of it is in no file.", tensor=f"{name}.{leaf}")
        for leaf in needed
        if leaf not in parts
    ]


def _differing(name: str, parts: Parts, expected: Mapping[str, tuple[int, ...]]) -> Iterator[Finding]:
    for leaf, shape in expected.items():
        if leaf in parts and parts[leaf][1].shape != shape:
            path, record = parts[leaf]
            message = f"The shape is {list(record.shape)}; bits, group size and the other parts give {list(shape)}."
            yield QT_SHAPE.at(path, message, tensor=f"{name}.{leaf}")


def _gptq(name: str, parts: Parts, method: Mapping[str, Any]) -> list[Finding]:
    findings = _lacking(name, parts, ("qweight", "scales"))
    bits, group = _bits(method), method.get("group_size")
    if findings or bits is None or type(group) is not int or len(parts["qweight"][1].shape) != 2:
        return findings
    packed, columns = parts["qweight"][1].shape
    rows = packed * PACKING // bits
    groups = 1 if group <= 0 else -(-rows // group)
    expected = {"scales": (groups, columns), "qzeros": (groups, columns * bits // PACKING), "g_idx": (rows,)}
    if method.get("checkpoint_format") == "marlin":
        return findings
    return findings + list(_differing(name, parts, expected))


def _awq(name: str, parts: Parts, method: Mapping[str, Any]) -> list[Finding]:
    needed = ("qweight", "scales", "qzeros") if method.get("zero_point") is True else ("qweight", "scales")
    findings = _lacking(name, parts, needed)
    bits, group = _bits(method), method.get("group_size")
    if findings or bits is None or type(group) is not int or len(parts["qweight"][1].shape) != 2:
        return findings
    if str(method.get("version", "gemm")).lower() != "gemm":
        return findings
    rows, packed = parts["qweight"][1].shape
    columns = packed * PACKING // bits
    groups = 1 if group <= 0 else -(-rows // group)
    expected = {"scales": (groups, columns), "qzeros": (groups, columns * bits // PACKING)}
    return findings + list(_differing(name, parts, expected))


def _bitsandbytes(name: str, parts: Parts, method: Mapping[str, Any]) -> list[Finding]:
    if method.get("load_in_8bit") is True:
        findings = _lacking(name, parts, ("weight", "SCB"))
        if findings or len(parts["weight"][1].shape) != 2:
            return findings
        return list(_differing(name, parts, {"SCB": (parts["weight"][1].shape[0],)}))
    findings = _lacking(name, parts, ("weight", "weight.absmax", "weight.quant_map"))
    if not any(leaf.startswith("weight.quant_state.") for leaf in parts):
        findings += _lacking(name, parts, ("weight.quant_state",))
    if findings:
        return findings
    blocks, values = parts["weight.absmax"][1].elements, 2 * parts["weight"][1].size_bytes
    sizes = {64 << step for step in range(7)}
    if not any(-(-values // size) == blocks for size in sizes):
        path = parts["weight.absmax"][0]
        message = f"{blocks} scales do not divide {values} values into blocks of any usual size."
        findings.append(QT_SHAPE.at(path, message, tensor=f"{name}.weight.absmax"))
    return findings


def _fp8(name: str, parts: Parts, method: Mapping[str, Any]) -> list[Finding]:
    record = (parts["weight"] if "weight" in parts else next(iter(parts.values())))[1]
    if "weight" not in parts or not record.dtype.startswith("F8_"):
        scale = next(leaf for leaf in ("weight_scale_inv", "weight_scale") if leaf in parts)
        message = "The tensor has a scale for eight-bit values, and is none."
        return [QT_SHAPE.at(parts[scale][0], message, tensor=f"{name}.{scale}")]
    block = method.get("weight_block_size")
    if not isinstance(block, list) or len(block) != 2 or not all(type(size) is int and size > 0 for size in block):
        return []
    if "weight_scale_inv" not in parts or len(record.shape) != 2:
        return [] if "weight_scale" in parts else _lacking(name, parts, ("weight_scale_inv",))
    shape = (-(-record.shape[0] // block[0]), -(-record.shape[1] // block[1]))
    return list(_differing(name, parts, {"weight_scale_inv": shape}))


def _compressed(name: str, parts: Parts, method: Mapping[str, Any]) -> list[Finding]:
    findings = _lacking(name, parts, ("weight_scale",))
    scheme = _scheme(method)
    if findings or scheme is None or "weight_packed" not in parts:
        return findings
    record = parts["weight_packed"][1]
    bits = scheme.get("num_bits")
    if type(bits) is not int or len(record.shape) != 2 or record.dtype not in ("I32", "U8"):
        return []
    values = record.shape[1] * (PACKING if record.dtype == "I32" else 8) // bits
    group = scheme.get("group_size")
    if scheme.get("strategy") not in ("group", "tensor_group") or type(group) is not int or group <= 0:
        return []
    return list(_differing(name, parts, {"weight_scale": (record.shape[0], -(-values // group))}))


def _scheme(method: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """How weights are quantized, where all groups of modules share one way."""
    groups = method.get("config_groups")
    if not isinstance(groups, dict) or len(groups) != 1:
        return None
    group = next(iter(groups.values()))
    weights = group.get("weights") if isinstance(group, dict) else None
    return weights if isinstance(weights, dict) else None


def _mxfp4(name: str, parts: Parts, method: Mapping[str, Any]) -> list[Finding]:
    findings = []
    for leaf, (_, record) in parts.items():
        if leaf.endswith("_blocks"):
            scales = leaf.removesuffix("_blocks") + "_scales"
            if scales not in parts:
                findings += _lacking(name, parts, (scales,))
            elif parts[scales][1].shape != record.shape[:-1]:
                findings += _differing(name, parts, {scales: record.shape[:-1]})
    return findings


def _bits(method: Mapping[str, Any]) -> int | None:
    bits = method.get("bits", method.get("w_bit"))
    return bits if type(bits) is int and bits in (2, 3, 4, 8) else None


_CHECKS = {
    "gptq": (("qweight",), _gptq),
    "awq": (("qweight",), _awq),
    "bitsandbytes": (("weight.absmax", "SCB"), _bitsandbytes),
    "fp8": (("weight_scale_inv", "weight_scale"), _fp8),
    "compressed-tensors": (("weight_packed", "weight_scale"), _compressed),
    "mxfp4": (
        ("gate_up_proj_blocks", "down_proj_blocks", "gate_up_proj_scales", "down_proj_scales"),
        _mxfp4,
    ),
}
