"""What the layers of well-known architectures are made of.

Owns the table: for each model type the stacks of layers, and the parts of each with their shapes. A part's shape is
written in the letters of `dimensions`. Judges nothing; see `stack_checks`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Stack:
    """One stack of equal layers: where its numbers stand, what every layer has, and what stands beside it.

    `parts` and `outer` map the name of a module to the shape of its weight. A name that ends in `+` has a bias, too,
    one in `?` may be absent; a `?` in a shape is any size. `mixture` is set where a layer may have
    experts in place of the parts named `mlp.…`: the key of their inner size, or `?`.
    `layers_key` and `renamed` are for towers that share one configuration.
    """

    place: str
    parts: Mapping[str, str]
    outer: Mapping[str, str]
    tied: bool = False
    mixture: str = ""
    layers_key: str | None = None
    renamed: Mapping[str, str] | None = None
    head: str = "lm_head"

    @property
    def required(self) -> list[str]:
        """The modules that every layer must have."""
        return [name.rstrip("+") for name in self.parts if not name.endswith("?")]


def _shapes(text: str) -> dict[str, str]:
    """`a.b H,H; c+ H` as a mapping."""
    pairs = (item.split() for item in text.split(";") if item.strip())
    return {pair[0]: pair[1] for pair in pairs}


_QKVO = "self_attn.q_proj A*D,H; self_attn.k_proj K*D,H; self_attn.v_proj K*D,H; self_attn.o_proj H,A*D;"
_QKVO_BIASED = "self_attn.q_proj+ A*D,H; self_attn.k_proj+ K*D,H; self_attn.v_proj+ K*D,H; self_attn.o_proj H,A*D;"
_GATED = "mlp.gate_proj I,H; mlp.up_proj I,H; mlp.down_proj H,I;"
_PLAIN = "mlp.up_proj I,H; mlp.down_proj H,I;"
_FUSED = "mlp.gate_up_proj 2*I,H; mlp.down_proj H,I;"
_NORMS = "input_layernorm H; post_attention_layernorm H;"
_AFTER = "post_attention_layernorm H; post_feedforward_layernorm H;"
_FOUR = _NORMS + "pre_feedforward_layernorm H; post_feedforward_layernorm H;"
_OUTER = "embed_tokens V,H; norm H"
_LATENT = (
    "self_attn.q_proj? A*QD,H; self_attn.q_a_proj? QR,H; self_attn.q_a_layernorm? QR; self_attn.q_b_proj? A*QD,QR;"
    "self_attn.kv_a_proj_with_mqa KRR,H; self_attn.kv_a_layernorm KR; self_attn.kv_b_proj A*NV,KR;"
    "self_attn.o_proj H,A*VD;"
)


def _decoder(parts: str, outer: str = _OUTER, *, tied: bool = False, mixture: str = "") -> Stack:
    return Stack("layers", _shapes(parts), _shapes(outer), tied=tied, mixture=mixture)


_PLAIN_LLAMA = _decoder(_QKVO + _GATED + _NORMS)
_BERT = Stack(
    "encoder.layer",
    _shapes(
        "attention.self.query+ H,H; attention.self.key+ H,H; attention.self.value+ H,H; attention.output.dense+ H,H;"
        "attention.output.LayerNorm+ H; intermediate.dense+ I,H; output.dense+ H,I; output.LayerNorm+ H"
    ),
    _shapes(
        "embeddings.word_embeddings V,E; embeddings.position_embeddings? P,E; embeddings.token_type_embeddings? T,E"
    ),
    tied=True,
)
_CROSS_BERT = (
    "self_attn.q_proj+ H,H; self_attn.k_proj H,H; self_attn.v_proj+ H,H; self_attn.out_proj+ H,H; fc1+ I,H; fc2+ H,I;"
    "self_attn_layer_norm+ H; final_layer_norm+ H;"
)
_CROSS = (
    "encoder_attn.q_proj+ H,H; encoder_attn.k_proj H,H; encoder_attn.v_proj+ H,H; encoder_attn.out_proj+ H,H;"
    "encoder_attn_layer_norm+ H"
)


def _bart(side: str) -> Stack:
    renamed = {"ffn_dim": f"{side}_ffn_dim", "num_attention_heads": f"{side}_attention_heads"}
    parts = _shapes(_CROSS_BERT + (_CROSS if side == "decoder" else ""))
    return Stack(f"{side}.layers", parts, {}, tied=True, layers_key=f"{side}_layers", renamed=renamed)


def _t5(side: str) -> Stack:
    last = 2 if side == "decoder" else 1
    text = (
        "layer.0.SelfAttention.q A*D,H; layer.0.SelfAttention.k A*D,H; layer.0.SelfAttention.v A*D,H;"
        f"layer.0.SelfAttention.o H,A*D; layer.0.layer_norm H; layer.{last}.layer_norm H;"
        f"layer.{last}.DenseReluDense.wi? I,H; layer.{last}.DenseReluDense.wi_0? I,H;"
        f"layer.{last}.DenseReluDense.wi_1? I,H; layer.{last}.DenseReluDense.wo H,I;"
    )
    if side == "decoder":
        text += (
            "layer.1.EncDecAttention.q A*D,H; layer.1.EncDecAttention.k A*D,H; layer.1.EncDecAttention.v A*D,H;"
            "layer.1.EncDecAttention.o H,A*D; layer.1.layer_norm H"
        )
    key = "num_decoder_layers" if side == "decoder" else "num_layers"
    return Stack(f"{side}.block", _shapes(text), _shapes("final_layer_norm? H"), tied=True, layers_key=key)


_TOWER = Stack(
    "encoder.layers",
    _shapes(
        "self_attn.q_proj+ H,H; self_attn.k_proj+ H,H; self_attn.v_proj+ H,H; self_attn.out_proj+ H,H; layer_norm1+ H;"
        "layer_norm2+ H; mlp.fc1+ I,H; mlp.fc2+ H,I"
    ),
    {},
    tied=True,
)
_GPT2 = Stack(
    "h",
    _shapes(
        "attn.c_attn+ H,3*H; attn.c_proj+ H,H; mlp.c_fc+ H,N4; mlp.c_proj+ N4,H; ln_1+ H; ln_2+ H",
    ),
    _shapes("wte V,H; wpe P,H; ln_f+ H"),
    tied=True,
)
_FUSED_HEADS = (
    "dense+ H,H; mlp.dense_h_to_4h+ {0},H; mlp.dense_4h_to_h+ H,{0}; input_layernorm+ H; post_attention_layernorm+ H;"
)

STACKS: Mapping[str, tuple[Stack, ...]] = {
    **dict.fromkeys(("llama", "mistral", "granite", "seed_oss", "ernie4_5", "helium", "ministral"), (_PLAIN_LLAMA,)),
    "qwen2": (_decoder(_QKVO_BIASED + _GATED + _NORMS),),
    "qwen2_vl_text": (_decoder(_QKVO_BIASED + _GATED + _NORMS),),
    "qwen2_5_vl_text": (_decoder(_QKVO_BIASED + _GATED + _NORMS),),
    **dict.fromkeys(
        ("qwen3", "qwen3_vl_text"),
        (_decoder(_QKVO + _GATED + _NORMS + "self_attn.q_norm D; self_attn.k_norm D"),),
    ),
    "smollm3": (_decoder(_QKVO + _GATED + _NORMS, tied=True),),
    "stablelm": (_decoder(_QKVO + _GATED + "input_layernorm H; post_attention_layernorm? H"),),
    "arcee": (_decoder(_QKVO + _PLAIN + _NORMS),),
    "nemotron": (_decoder(_QKVO + _PLAIN + _NORMS),),
    "cohere": (_decoder(_QKVO + _GATED + "input_layernorm H", tied=True),),
    "cohere2": (_decoder(_QKVO + _GATED + "input_layernorm H", tied=True),),
    "olmo": (_decoder(_QKVO + _GATED, "embed_tokens V,H"),),
    **dict.fromkeys(
        ("olmo2", "olmo3"),
        (_decoder(_QKVO + _GATED + _AFTER + "self_attn.q_norm A*D; self_attn.k_norm K*D"),),
    ),
    "exaone4": (_decoder(_QKVO + _GATED + _AFTER + "self_attn.q_norm D; self_attn.k_norm D"),),
    "gemma": (_decoder(_QKVO + _GATED + _NORMS, tied=True),),
    "gemma2": (_decoder(_QKVO + _GATED + _FOUR, tied=True),),
    "gemma3_text": (_decoder(_QKVO + _GATED + _FOUR + "self_attn.q_norm D; self_attn.k_norm D", tied=True),),
    "phi": (
        _decoder(
            "self_attn.q_proj+ A*D,H; self_attn.k_proj+ K*D,H; self_attn.v_proj+ K*D,H; self_attn.dense+ H,A*D;"
            "mlp.fc1+ I,H; mlp.fc2+ H,I; input_layernorm+ H",
            "embed_tokens V,H; final_layernorm+ H",
        ),
    ),
    "phi3": (_decoder("self_attn.qkv_proj QKV,H; self_attn.o_proj H,A*D;" + _FUSED + _NORMS),),
    "glm": (_decoder(_QKVO_BIASED + _FUSED + _NORMS),),
    "glm4": (_decoder(_QKVO + _FUSED + _NORMS + "post_mlp_layernorm H; post_self_attn_layernorm H"),),
    "starcoder2": (
        _decoder(
            _QKVO + "mlp.c_fc I,H; mlp.c_proj H,I; input_layernorm+ H; post_attention_layernorm+ H",
            "embed_tokens V,H; norm+ H",
            tied=True,
        ),
    ),
    **dict.fromkeys(("mixtral", "phimoe"), (_decoder(_QKVO + _NORMS, mixture="intermediate_size"),)),
    **dict.fromkeys(
        ("qwen3_moe", "qwen3_vl_moe_text"), (_decoder(_QKVO + _GATED + _NORMS, mixture="moe_intermediate_size"),)
    ),
    "qwen2_moe": (_decoder(_QKVO_BIASED + _GATED + _NORMS, mixture="moe_intermediate_size"),),
    "olmoe": (_decoder(_QKVO + _GATED + _NORMS, mixture="intermediate_size"),),
    "gpt_oss": (_decoder(_QKVO + _NORMS, mixture="?"),),
    "granitemoe": (_decoder(_QKVO + _NORMS, mixture="?"),),
    "glm4_moe": (_decoder(_QKVO + _GATED + _NORMS, mixture="moe_intermediate_size"),),
    **dict.fromkeys(
        ("deepseek_v2", "deepseek_v3", "kimi_k2"),
        (_decoder(_LATENT + _GATED + _NORMS, mixture="moe_intermediate_size"),),
    ),
    "gpt2": (_GPT2,),
    "gpt_neo": (
        Stack(
            "h",
            _shapes(
                "attn.attention.q_proj H,H; attn.attention.k_proj H,H; attn.attention.v_proj H,H;"
                "attn.attention.out_proj+ H,H; mlp.c_fc+ I4,H; mlp.c_proj+ H,I4; ln_1+ H; ln_2+ H"
            ),
            _shapes("wte V,H; wpe P,H; ln_f+ H"),
            tied=True,
        ),
    ),
    "gptj": (
        Stack(
            "h",
            _shapes(
                "attn.q_proj H,H; attn.k_proj H,H; attn.v_proj H,H; attn.out_proj H,H; mlp.fc_in+ N4,H;"
                "mlp.fc_out+ H,N4; ln_1+ H"
            ),
            _shapes("wte V,H; ln_f+ H"),
        ),
    ),
    "gpt_neox": (
        Stack(
            "layers",
            _shapes("attention.query_key_value+ 3*H,H; attention." + _FUSED_HEADS.format("I")),
            _shapes("embed_in V,H; final_layer_norm+ H"),
            head="embed_out",
        ),
    ),
    "bloom": (
        Stack(
            "h",
            _shapes("self_attention.query_key_value+ 3*H,H; self_attention." + _FUSED_HEADS.format("4*H")),
            _shapes("word_embeddings V,H; word_embeddings_layernorm+ H; ln_f+ H"),
            tied=True,
        ),
    ),
    "falcon": (
        Stack(
            "h",
            _shapes("self_attention.query_key_value ?,H; self_attention.dense H,H; mlp.dense_h_to_4h ?,H"),
            _shapes("word_embeddings V,H; ln_f+ H"),
            tied=True,
        ),
    ),
    "mpt": (
        Stack(
            "blocks",
            _shapes("attn.Wqkv 3*H,H; attn.out_proj H,H; ffn.up_proj ?,H; ffn.down_proj H,?; norm_1 H; norm_2 H"),
            _shapes("wte V,H; norm_f H"),
            tied=True,
        ),
    ),
    "opt": (Stack("layers", _shapes(_CROSS_BERT), _shapes("embed_tokens V,E; embed_positions ?,H"), tied=True),),
    **dict.fromkeys(("bert", "roberta", "xlm-roberta", "camembert", "electra"), (_BERT,)),
    "distilbert": (
        Stack(
            "transformer.layer",
            _shapes(
                "attention.q_lin+ H,H; attention.k_lin+ H,H; attention.v_lin+ H,H; attention.out_lin+ H,H;"
                "ffn.lin1+ F,H; ffn.lin2+ H,F; sa_layer_norm+ H; output_layer_norm+ H"
            ),
            _shapes("embeddings.word_embeddings V,H; embeddings.position_embeddings P,H"),
            tied=True,
        ),
    ),
    **dict.fromkeys(("bart", "mbart", "marian", "pegasus", "whisper", "m2m_100"), (_bart("encoder"), _bart("decoder"))),
    **dict.fromkeys(("t5", "mt5", "umt5"), (_t5("encoder"), _t5("decoder"))),
    **dict.fromkeys(
        (
            "clip_text_model",
            "clip_vision_model",
            "siglip_text_model",
            "siglip_vision_model",
            "siglip2_text_model",
            "siglip2_vision_model",
        ),
        (_TOWER,),
    ),
    "gpt_bigcode": (
        Stack(
            "h",
            _shapes("attn.c_attn ?,H; attn.c_proj+ H,H; mlp.c_fc+ N4,H; mlp.c_proj+ H,N4; ln_1+ H; ln_2+ H"),
            _shapes("wte V,H; wpe P,H; ln_f+ H"),
            tied=True,
        ),
    ),
    "codegen": (
        Stack(
            "h",
            _shapes("attn.qkv_proj 3*H,H; attn.out_proj H,H; mlp.fc_in+ N4,H; mlp.fc_out+ H,N4; ln_1+ H"),
            _shapes("wte V,H; ln_f+ H"),
        ),
    ),
    "apertus": (_decoder(_QKVO + _PLAIN + "attention_layernorm H; feedforward_layernorm H"),),
    "deberta-v2": (
        Stack(
            "encoder.layer",
            _shapes(
                "attention.self.query_proj+ H,H; attention.self.key_proj+ H,H; attention.self.value_proj+ H,H;"
                "attention.output.dense+ H,H; attention.output.LayerNorm+ H; intermediate.dense+ I,H;"
                "output.dense+ H,I; output.LayerNorm+ H"
            ),
            _shapes("embeddings.word_embeddings V,E"),
            tied=True,
        ),
    ),
    "mpnet": (
        Stack(
            "encoder.layer",
            _shapes(
                "attention.attn.q+ H,H; attention.attn.k+ H,H; attention.attn.v+ H,H; attention.attn.o+ H,H;"
                "attention.LayerNorm+ H; intermediate.dense+ I,H; output.dense+ H,I; output.LayerNorm+ H"
            ),
            _shapes("embeddings.word_embeddings V,H; embeddings.position_embeddings P,H"),
            tied=True,
        ),
    ),
    "modernbert": (
        Stack(
            "layers",
            _shapes("attn.Wqkv 3*H,H; attn.Wo H,H; mlp.Wi 2*I,H; mlp.Wo H,I; attn_norm? H; mlp_norm H"),
            _shapes("embeddings.tok_embeddings V,H; final_norm H"),
            tied=True,
        ),
    ),
    **dict.fromkeys(
        ("wav2vec2", "hubert"),
        (
            Stack(
                "encoder.layers",
                _shapes(
                    "attention.q_proj+ H,H; attention.k_proj+ H,H; attention.v_proj+ H,H; attention.out_proj+ H,H;"
                    "layer_norm+ H; feed_forward.intermediate_dense+ I,H; feed_forward.output_dense+ H,I;"
                    "final_layer_norm+ H"
                ),
                {},
                tied=True,
            ),
        ),
    ),
    **dict.fromkeys(
        ("vit", "deit"),
        (
            Stack(
                "encoder.layer",
                _shapes(
                    "attention.attention.query H,H; attention.attention.key H,H; attention.attention.value H,H;"
                    "attention.output.dense+ H,H; intermediate.dense+ I,H; output.dense+ H,I; layernorm_before+ H;"
                    "layernorm_after+ H"
                ),
                {},
                tied=True,
            ),
        ),
    ),
    **dict.fromkeys(
        ("mamba", "falcon_mamba", "mamba2"),
        (
            Stack(
                "layers",
                _shapes("mixer.in_proj ?,H; mixer.out_proj H,?; mixer.conv1d ?,1,?; norm H"),
                _shapes("embeddings V,H; norm_f H"),
                tied=True,
            ),
        ),
    ),
}
