"""Checks on whether configuration, tokenizer, adapters and tensors speak of one and the same model."""

from weights.findings import Check, Severity

CT_MISSING = Check(
    "CT-MISSING",
    Severity.BLOCK,
    "Tensor that the configuration calls for is missing",
    "A layer, or a part of one, that the model needs is in no file. Loaders fill the place with random numbers and "
    "warn at "
    "most.",
    "Save the checkpoint again with all its tensors.",
)
CT_ARCH = Check(
    "CT-ARCH",
    Severity.WARN,
    "Class and type that name two architectures",
    "`architectures` and `model_type` name architectures whose layers differ. Some loaders go by the one, some by the "
    "other, and get two models.",
    "Use the configuration that was saved with the weights.",
)
TK_FORM = Check(
    "TK-FORM",
    Severity.BLOCK,
    "Tokenizer that its library refuses",
    "A token has an id that is no number from 0 on, or a merge names a token that the vocabulary does not have. The "
    "tokenizer cannot be loaded.",
    "Save the tokenizer again.",
    "Hugging Face tokenizers: BPE builder.",
)
CT_EXTRA = Check(
    "CT-EXTRA",
    Severity.WARN,
    "Layers beyond those the configuration names",
    "Tensors have layer numbers from `num_hidden_layers` on; loaders ignore them in silence.",
    "Correct the configuration, or remove the tensors.",
)
CT_SHAPE = Check(
    "CT-SHAPE",
    Severity.BLOCK,
    "Tensor whose shape contradicts the configuration",
    "Hidden size, heads or intermediate size in `config.json` give another shape than the tensor has; the model "
    "cannot be loaded.",
    "Use the configuration that belongs to these weights.",
)
CT_VOCAB = Check(
    "CT-VOCAB",
    Severity.BLOCK,
    "Vocabulary and embedding that do not fit",
    "The embedding has another number of rows than `vocab_size`, or the tokenizer produces ids beyond its last row. "
    "The model "
    "fails on some inputs.",
    "Resize the embedding, or use the tokenizer that belongs to these weights.",
)
CT_DTYPE = Check(
    "CT-DTYPE",
    Severity.WARN,
    "Data types other than the configuration says",
    "Most bytes of the weights are in another type than `dtype`, or whole matrices are wider than it; the download is "
    "larger "
    "than need be, or precision was lost.",
    "Save the checkpoint again in the intended type, or correct the configuration.",
)
CT_TIED = Check(
    "CT-TIED",
    Severity.WARN,
    "Output head that will be dropped",
    "The configuration ties the output head to the embedding, and the checkpoint has a different head of its own, "
    "which loaders "
    "throw away.",
    "Set `tie_word_embeddings` as the model was trained.",
)
TK_DUP = Check(
    "TK-DUP",
    Severity.BLOCK,
    "Two tokens with one id",
    "The tokenizer gives the same id to different texts, so what the model says cannot be turned back into text "
    "reliably.",
    "Repair the tokenizer.",
)
TK_RANGE = Check(
    "TK-RANGE",
    Severity.BLOCK,
    "Special token beyond the embedding",
    "A beginning, end or padding id is as large as the number of rows of the embedding or larger.",
    "Correct the id.",
)
TK_DEFAULT = Check(
    "TK-DEFAULT",
    Severity.WARN,
    "Special token left at a library's default",
    "A beginning, end or padding id lies beyond the embedding and is the one that a library sets where nobody chooses, "
    "as 50256. The model never produces it; padding with it fails.",
    "Set the id that the tokenizer has, or none.",
)
TK_SPECIAL = Check(
    "TK-SPECIAL",
    Severity.WARN,
    "Special tokens that disagree",
    "Configuration, generation settings and tokenizer name different tokens or ids for the beginning or end of a "
    "text; generation may never stop, or stop too early.",
    "Make the ids agree.",
)
TK_ADDED = Check(
    "TK-ADDED",
    Severity.WARN,
    "Added tokens that disagree",
    "Two files of the tokenizer, or two parts of one, give one added token different ids.",
    "Save the tokenizer again.",
)
TK_REWRITE = Check(
    "TK-REWRITE",
    Severity.WARN,
    "Tokenizer that rewrites words",
    "A replacement rule in the tokenizer changes words or addresses on the way in or out. Answers can so be altered "
    "with the "
    "weights untouched.",
    "Remove the rule, or have it accepted with the reason.",
    "NVIDIA AI red team, tokenizer tampering, 2024",
)
LR_PAIR = Check(
    "LR-PAIR",
    Severity.BLOCK,
    "Half of a low-rank pair",
    "An adapter's A matrix lacks its B, or their ranks differ; the adapter cannot be applied.",
    "Save the adapter again.",
)
LR_RANK = Check(
    "LR-RANK",
    Severity.BLOCK,
    "Adapter of another rank than configured",
    "The matrices have a rank that neither `r` nor `rank_pattern` gives.",
    "Use the configuration that belongs to these weights.",
)
LR_BASE = Check(
    "LR-BASE",
    Severity.WARN,
    "Adapter that carries whole matrices",
    "Besides low-rank pairs the adapter holds full matrices (`modules_to_save`). They are weights of the base model, "
    "tuned or "
    "not, and leave with the adapter.",
    "Make sure that these matrices may be disclosed.",
)
LR_TARGET = Check(
    "LR-TARGET",
    Severity.WARN,
    "Adapter for modules that its configuration does not name",
    "A low-rank pair belongs to a module that `target_modules` does not list; loaders drop it in silence.",
    "Use the configuration that belongs to these weights.",
)
LR_SHAPE = Check(
    "LR-SHAPE",
    Severity.BLOCK,
    "Adapter whose pairs do not fit one model",
    "The same module of different layers has pairs of different outer sizes, or sizes that the base beside the adapter "
    "does not have; the adapter cannot be applied.",
    "Save the adapter again.",
)
LR_NULL = Check(
    "LR-NULL",
    Severity.NOTE,
    "Adapter that changes nothing",
    "Every B matrix is zero, as before the first step of training.",
    "Make sure that this is the trained adapter.",
)
QT_NONE = Check(
    "QT-NONE",
    Severity.BLOCK,
    "Quantization that configuration and tensors do not share",
    "The configuration names a way of quantizing whose tensors are in no file, or tensors are quantized and the "
    "configuration does not say how. Loaders fail, or take packed numbers for weights.",
    "Use the configuration that belongs to these weights.",
)
QT_MISSING = Check(
    "QT-MISSING",
    Severity.BLOCK,
    "Quantized matrix without its scales",
    "A part that is needed to read a quantized matrix, such as scales or zero points, is in no file.",
    "Save the quantized model again.",
)
QT_SHAPE = Check(
    "QT-SHAPE",
    Severity.BLOCK,
    "Quantized matrix whose parts do not fit",
    "Scales, zero points or group indices have another shape than the packed values, the number of bits and the group "
    "size give; the values would be read wrongly.",
    "Use the quantization configuration that belongs to these weights.",
)
