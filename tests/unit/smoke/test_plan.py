"""Planning from headers alone: sizes, choice, and every refusal."""

import json
import struct
from pathlib import Path

import pytest

from smoke.checkpoint import DECODER, ENCODER, ENCODER_DECODER, OTHER, CheckpointError, open_checkpoint
from smoke.devices import Device, Inventory
from smoke.plan import BF16, INT4, INT8, MARGIN, demand, elsewhere, is_quantized, make_plan, stored

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
        ({"architectures": ["T5ForConditionalGeneration"], "is_encoder_decoder": True}, ENCODER_DECODER),
        ({"architectures": ["ViTForImageClassification"]}, OTHER),
        ({}, OTHER),
    ],
)
def test_kinds(tmp_path, config, kind):
    assert open_checkpoint(write(tmp_path / "m", config, llama(layers=1))).kind == kind


def test_what_fits_elsewhere_grows_with_the_machine(model):
    found = {o.device: o for o in elsewhere(open_checkpoint(model))}
    assert found["8 GB accelerator"].quantization == BF16
    assert all(o.fits for o in found.values())


def test_what_fits_nowhere_says_what_it_would_need(tmp_path):
    huge = write(
        tmp_path / "m", LLAMA_1B, {f"model.layers.{i}.mlp.up_proj.weight": (1 << 14, 1 << 14) for i in range(200)}
    )
    smallest = elsewhere(open_checkpoint(huge))[0]
    assert not smallest.fits
    assert smallest.quantization == INT4


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
