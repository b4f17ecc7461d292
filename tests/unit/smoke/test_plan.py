"""Planning from headers alone: sizes, choice, and every refusal."""

import json
import struct
from pathlib import Path

import pytest

from smoke.checkpoint import DECODER, ENCODER, ENCODER_DECODER, OTHER, CheckpointError, open_checkpoint
from smoke.demand import EXPERT_KERNELS_BYTES
from smoke.devices import Device, Inventory
from smoke.plan import (
    BF16,
    INT4,
    INT8,
    MARGIN,
    QUANTIZATIONS,
    demand,
    hardware_fit,
    is_quantized,
    make_plan,
    stored,
)  # fmt: skip

GIB = 1 << 30
LLAMA_1B = {
    "architectures": ["LlamaForCausalLM"],
    "hidden_size": 2048,
    "intermediate_size": 5632,
    "num_hidden_layers": 22,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "vocab_size": 32000,
    "max_position_embeddings": 2048,
}


def write(folder: Path, config: dict, tensors: dict[str, tuple[int, ...]], name="model.safetensors") -> Path:
    """A checkpoint of the right size without its bytes: a hole in the file stands for the tensors."""
    folder.mkdir(exist_ok=True)
    (folder / "config.json").write_text(json.dumps(config))
    header, offset = {}, 0
    for tensor, shape in tensors.items():
        count = 2
        for n in shape:
            count *= n
        header[tensor] = {"dtype": "BF16", "shape": shape, "data_offsets": [offset, offset + count]}
        offset += count
    raw = json.dumps(header).encode()
    with (folder / name).open("wb") as file:
        file.write(struct.pack("<Q", len(raw)) + raw)
        file.truncate(8 + len(raw) + offset)
    return folder


def llama(layers=22, hidden=2048, inner=5632, kv=256, vocab=32000) -> dict[str, tuple[int, ...]]:
    tensors: dict[str, tuple[int, ...]] = {
        "model.embed_tokens.weight": (vocab, hidden),
        "lm_head.weight": (vocab, hidden),
    }
    for i in range(layers):
        at = f"model.layers.{i}"
        tensors |= {
            f"{at}.self_attn.q_proj.weight": (hidden, hidden),
            f"{at}.self_attn.k_proj.weight": (kv, hidden),
            f"{at}.self_attn.v_proj.weight": (kv, hidden),
            f"{at}.self_attn.o_proj.weight": (hidden, hidden),
            f"{at}.mlp.gate_proj.weight": (inner, hidden),
            f"{at}.mlp.up_proj.weight": (inner, hidden),
            f"{at}.mlp.down_proj.weight": (hidden, inner),
            f"{at}.input_layernorm.weight": (hidden,),
        }
    return tensors


def cpu(free=16 * GIB, **rest) -> Device:
    return Device("cpu", 0, "a processor", 32 * GIB, free, ("bfloat16", "float32"), **rest)


def gpu(free=16 * GIB, kind="cuda", index=0) -> Device:
    return Device(kind, index, "an accelerator", 24 * GIB, free, ("bfloat16", "float16", "float32"))


def attached(*devices: Device) -> Inventory:
    return Inventory(devices, "2.13.0")


@pytest.fixture
def model(tmp_path):
    return write(tmp_path / "m", LLAMA_1B, llama())


def test_bytes_of_each_precision(model):
    checkpoint = open_checkpoint(model)
    kept = sum(t.count for t in checkpoint.tensors if not is_quantized(t))
    matrices = [t for t in checkpoint.tensors if is_quantized(t)]
    elements, rows = sum(t.count for t in matrices), sum(t.shape[0] for t in matrices)
    assert kept == 2 * 32000 * 2048 + 22 * 2048
    assert demand(checkpoint, BF16, 512).weights == 2 * (elements + kept)
    assert demand(checkpoint, INT8, 512).weights == elements + 4 * rows + 2 * kept
    assert demand(checkpoint, INT4, 512).weights == elements // 2 + 4 * elements // 32 + 2 * kept


def test_embeddings_heads_and_norms_stay_in_full_precision(model):
    checkpoint = open_checkpoint(model)
    kept = {t.name.split(".")[-2] for t in checkpoint.tensors if not is_quantized(t)}
    assert kept == {"embed_tokens", "lm_head", "input_layernorm"}
    embedding = next(t for t in checkpoint.tensors if "embed" in t.name)
    assert stored(embedding, INT4) == 2 * embedding.count


def test_an_accelerator_is_preferred_and_int8_before_int4(model):
    plan = make_plan(model, inventory=attached(cpu(), gpu()))
    assert (plan.runnable, plan.device, plan.quantization, plan.dtype) == (True, "cuda:0", INT8, "bfloat16")


def test_the_accelerator_with_more_room_is_preferred(model):
    plan = make_plan(model, inventory=attached(cpu(), gpu(5 * GIB, index=0), gpu(9 * GIB, index=1)))
    assert plan.device == "cuda:1"


def test_int4_where_int8_does_not_fit_and_the_reason_says_so(model):
    at8 = make_plan(model, inventory=attached(cpu())).options[0].needed_bytes
    plan = make_plan(model, inventory=attached(cpu(at8 - 1)))
    assert plan.quantization == INT4
    assert "Not int8 on cpu" in plan.reason


def test_the_processor_where_no_accelerator_has_room(model):
    plan = make_plan(model, inventory=attached(cpu(), gpu(GIB // 2)))
    assert (plan.device, plan.quantization) == ("cpu", INT8)


def test_the_margin_is_kept(model):
    option = make_plan(model, inventory=attached(cpu())).options[0]
    assert option.needed_bytes == int(option.peak_bytes * MARGIN)
    assert make_plan(model, inventory=attached(cpu(option.needed_bytes))).quantization == INT8


def test_nothing_fits_and_what_would_be_needed_is_said(model):
    plan = make_plan(model, inventory=attached(cpu(GIB // 4), gpu(GIB // 4)))
    assert (plan.runnable, plan.code) == (False, "does_not_fit")
    assert "needs" in plan.reason
    assert len(plan.options) == 4


def test_what_is_asked_for_is_what_is_planned(model):
    plan = make_plan(model, inventory=attached(cpu(), gpu()), device="cpu", quantization=BF16)
    assert (plan.device, plan.quantization) == ("cpu", BF16)


def test_rocm_answers_to_the_name_torch_gives_it(model):
    plan = make_plan(model, inventory=attached(cpu(), gpu(kind="rocm")))
    assert (plan.device, plan.torch_device) == ("rocm:0", "cuda:0")


def test_a_plan_is_plain_data(model):
    assert json.loads(json.dumps(make_plan(model, inventory=attached(cpu())).to_json()))["runnable"] is True


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        ({"device": "cuda"}, "no_such_device"),
        ({"quantization": "int2"}, "unknown_quantization"),
        ({"inventory": Inventory((cpu(),), None, "torch is not installed")}, "no_torch"),
    ],
)
def test_refusals_of_what_is_asked(model, arguments, code):
    plan = make_plan(model, **{"inventory": attached(cpu()), **arguments})
    assert (plan.runnable, plan.code) == (False, code)
    assert plan.reason.endswith(".")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantization_config": {"quant_method": "gptq"}}, "already_quantized"),
        ({"auto_map": {"AutoModel": "x.Y"}}, "remote_code"),
        ({"architectures": ["ResNetForImageClassification"]}, "unsupported_architecture"),
        ({"architectures": None}, "unsupported_architecture"),
        ({"num_hidden_layers": 10**9}, "bad_config"),
        ({"vocab_size": 10**12}, "bad_config"),
    ],
)
def test_refusals_of_a_configuration(tmp_path, change, code):
    folder = write(tmp_path / "m", {**LLAMA_1B, **change}, llama(layers=1))
    plan = make_plan(folder, inventory=attached(cpu()))
    assert (plan.runnable, plan.code) == (False, code)


@pytest.mark.parametrize(
    ("config", "kind"),
    [
        ({"architectures": ["LlamaForCausalLM"]}, DECODER),
        ({"architectures": ["GPT2LMHeadModel"]}, DECODER),
        ({"architectures": ["BertModel"]}, ENCODER),
        ({"architectures": ["RobertaForMaskedLM"]}, ENCODER),
        ({"architectures": ["XLMRobertaModel"], "model_type": "xlm-roberta"}, ENCODER),
        ({"architectures": ["BertForSequenceClassification"], "model_type": "bert"}, ENCODER),
        ({"architectures": ["LlamaForSequenceClassification"], "model_type": "llama"}, OTHER),
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, ENCODER_DECODER),
        ({"architectures": ["ViTForImageClassification"]}, OTHER),
        ({}, OTHER),
    ],
)
def test_kinds(tmp_path, config, kind):
    assert open_checkpoint(write(tmp_path / "m", config, llama(layers=1))).kind == kind


def test_what_fits_nowhere_says_what_it_would_need(tmp_path):
    huge = write(
        tmp_path / "m", LLAMA_1B, {f"model.layers.{i}.mlp.up_proj.weight": (1 << 14, 1 << 14) for i in range(200)}
    )
    smallest = hardware_fit(make_plan(huge, inventory=attached(cpu())))[0]
    assert (smallest["quantization"], smallest["machine"], any(smallest["fits"].values())) == (
        "",
        "8 GB of memory",
        False,
    )
    assert smallest["needs"][INT4] > 20e9


def test_hardware_fit_is_plain_data_and_grows_with_the_machine(model):
    plan = make_plan(model, inventory=attached(cpu()))
    rows = hardware_fit(plan)
    assert json.loads(json.dumps(rows)) == rows
    assert {(r["kind"], r["gigabytes"]) for r in rows} >= {("cuda", g) for g in (8, 16, 24, 32, 40, 48, 80, 141, 192)}
    assert {(r["kind"], r["gigabytes"]) for r in rows} >= {("mps", g) for g in (16, 32, 64, 128)}
    for kind in ("cpu", "cuda", "mps"):
        highest = [("", INT4, INT8, BF16).index(r["quantization"]) for r in rows if r["kind"] == kind]
        assert highest == sorted(highest)
    assert all(set(r["needs"]) == set(r["fits"]) == set(QUANTIZATIONS) for r in rows)
    (here,) = plan.options[:1]
    assert next(r for r in rows if r["kind"] == "cpu")["needs"][here.quantization] == here.needed_bytes
    assert next(r for r in rows if r["machine"] == "8 GB accelerator")["quantization"] == BF16


def test_what_cannot_be_planned_for_fits_nowhere(tmp_path):
    assert hardware_fit(make_plan(tmp_path, inventory=attached(cpu()))) == []


def experts(folder: Path, layout: dict[str, tuple[int, ...]]) -> int:
    config = {**LLAMA_1B, "architectures": ["MixtralForCausalLM"], "model_type": "mixtral"}
    checkpoint = open_checkpoint(write(folder, config, layout))
    return demand(checkpoint, INT8, 512).weights


def test_experts_take_the_same_however_they_are_stored(tmp_path):
    at = "model.layers.0.mlp.experts"
    one_by_one = {f"{at}.{i}.{name}.weight": shape for i in range(4)
                  for name, shape in (("w1", (64, 32)), ("w3", (64, 32)), ("w2", (32, 64)))}  # fmt: skip
    stacked = {f"{at}.gate_up_proj": (4, 128, 32), f"{at}.down_proj": (4, 32, 64)}
    assert experts(tmp_path / "a", one_by_one) == experts(tmp_path / "b", stacked)


def test_the_kernels_that_experts_need_are_planned_for(tmp_path):
    at = "model.layers.0.mlp"
    asked = []
    for name in (f"{at}.experts.down_proj", f"{at}.others.down_proj"):
        folder = write(tmp_path / name, {**LLAMA_1B, "model_type": "mixtral"}, {name: (4, 32, 64)})
        asked.append(demand(open_checkpoint(folder), BF16, 512))
    assert asked[0].activations - asked[1].activations == EXPERT_KERNELS_BYTES


def test_experts_of_an_uncommon_layout_stay_in_two_bytes(tmp_path):
    config = {**LLAMA_1B, "model_type": "llama4_text"}
    folder = write(tmp_path / "m", config, {"model.layers.0.feed_forward.experts.down_proj": (4, 32, 64)})
    assert demand(open_checkpoint(folder), INT8, 512).weights == 2 * 4 * 32 * 64


@pytest.mark.parametrize(
    ("settings", "arguments", "words"),
    [
        ({"quant_method": "gptq"}, {}, "gptqmodel and optimum"),
        ({"quant_method": "awq"}, {}, "gptqmodel"),
        ({"load_in_4bit": True}, {}, "bitsandbytes"),
        ({"quant_method": "compressed-tensors"}, {}, "compressed_tensors"),
        ({"quant_method": "something-new"}, {}, "something-new"),
        ({"quant_method": "gptq"}, {"quantization": "int8"}, "as it is stored only"),
        ({}, {}, ""),
    ],
)
def test_what_is_stored_quantized_names_what_it_needs(tmp_path, monkeypatch, settings, arguments, words):
    monkeypatch.setattr("smoke.engines.is_installed", lambda name: False)
    folder = write(tmp_path / "m", {**LLAMA_1B, "quantization_config": settings}, llama(layers=1))
    plan = make_plan(folder, inventory=attached(cpu()), **arguments)
    assert plan.code == ("already_quantized" if settings else "planned")
    assert words in plan.reason


def test_what_is_stored_quantized_runs_as_it_is_where_its_library_is(tmp_path, monkeypatch):
    monkeypatch.setattr("smoke.engines.is_installed", lambda name: True)
    settings = {"quant_method": "bitsandbytes", "load_in_8bit": True}
    folder = write(tmp_path / "m", {**LLAMA_1B, "quantization_config": settings}, llama(layers=1))
    plan = make_plan(folder, inventory=attached(cpu()))
    assert (plan.runnable, plan.quantization) == (True, "stored")
    assert {r["quantization"] for r in hardware_fit(plan)} == {"stored"}


@pytest.mark.parametrize(
    ("backend", "quantization", "is_there", "code"),
    [
        ("native", INT8, False, "planned"),
        ("torchao", INT8, False, "backend_not_installed"),
        ("torchao", INT4, True, "backend_unsuitable"),
        ("bitsandbytes", INT4, True, "planned"),
        ("bitsandbytes", BF16, True, "backend_unsuitable"),
        ("pickle", None, True, "unknown_backend"),
    ],
)
def test_other_quantizers_where_they_are_installed(model, monkeypatch, backend, quantization, is_there, code):
    monkeypatch.setattr("smoke.engines.is_installed", lambda name: is_there)
    plan = make_plan(model, inventory=attached(cpu()), backend=backend, quantization=quantization)
    assert plan.code == code
    assert plan.backend == backend


def damage_header(folder: Path, change) -> None:
    path = folder / "model.safetensors"
    raw = path.read_bytes()
    length = int.from_bytes(raw[:8], "little")
    header = json.loads(raw[8 : 8 + length])
    change(header)
    new = json.dumps(header).encode()
    path.write_bytes(struct.pack("<Q", len(new)) + new + raw[8 + length :])


@pytest.mark.parametrize(
    "change",
    [
        lambda h: h["a.weight"].update(shape=[4, 5]),
        lambda h: h["a.weight"].update(shape=[-4, -4]),
        lambda h: h["a.weight"].update(dtype="F13"),
        lambda h: h["a.weight"].update(data_offsets=[0, 10**12]),
        lambda h: h["a.weight"].update(data_offsets=[32, 0]),
        lambda h: h["a.weight"].pop("shape"),
        lambda h: h.update({"b": 3}),
    ],
)
def test_a_lying_header_is_refused(tmp_path, change):
    folder = write(tmp_path / "m", LLAMA_1B, {"a.weight": (4, 4)})
    damage_header(folder, change)
    with pytest.raises(CheckpointError) as error:
        open_checkpoint(folder)
    assert error.value.code == "bad_header"


def test_a_header_longer_than_its_file_is_refused(tmp_path):
    folder = write(tmp_path / "m", LLAMA_1B, {"a.weight": (4, 4)})
    (folder / "model.safetensors").write_bytes(struct.pack("<Q", 1 << 60))
    assert make_plan(folder, inventory=attached(cpu())).code == "bad_header"


def test_shards_are_those_of_the_index(tmp_path):
    folder = write(tmp_path / "m", LLAMA_1B, {"a.weight": (4, 4)}, "model-1.safetensors")
    write(folder, LLAMA_1B, {"b.weight": (4, 4)}, "model-2.safetensors")
    write(folder, LLAMA_1B, {"c.weight": (4, 4)}, "unrelated.safetensors")
    index = {"weight_map": {"a.weight": "model-1.safetensors", "b.weight": "model-2.safetensors"}}
    (folder / "model.safetensors.index.json").write_text(json.dumps(index))
    assert open_checkpoint(folder).weight_files == ["model-1.safetensors", "model-2.safetensors"]
    (folder / "model-2.safetensors").unlink()
    assert make_plan(folder, inventory=attached(cpu())).code == "missing_shard"


@pytest.mark.parametrize("name", ["../up", "/etc/passwd", "a/../../b", "a\\b", ""])
def test_a_path_that_leaves_the_checkpoint_is_refused(tmp_path, name):
    assert make_plan({name: tmp_path / "x"}, inventory=attached(cpu())).code == "bad_path"


def test_links_in_a_folder_are_not_followed(tmp_path):
    folder = write(tmp_path / "m", LLAMA_1B, {"a.weight": (4, 4)})
    outside = tmp_path / "outside.json"
    outside.write_text("{}")
    (folder / "config.json").unlink()
    (folder / "config.json").symlink_to(outside)
    assert make_plan(folder, inventory=attached(cpu())).code == "no_config"


def test_there_are_no_weights_without_safetensors(tmp_path):
    folder = write(tmp_path / "m", LLAMA_1B, {"a.weight": (4, 4)})
    (folder / "model.safetensors").rename(folder / "pytorch_model.bin")
    assert make_plan(folder, inventory=attached(cpu())).code == "no_weights"


def test_a_configuration_that_is_no_object(tmp_path):
    folder = write(tmp_path / "m", LLAMA_1B, {"a.weight": (4, 4)})
    (folder / "config.json").write_text("[" * 100_000)
    assert make_plan(folder, inventory=attached(cpu())).code == "bad_json"
