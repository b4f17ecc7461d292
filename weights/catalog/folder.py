"""Checks that need more than one file, and checks on configuration and code."""

from weights.findings import Check, Severity

IX_FORM = Check(
    "IX-FORM",
    Severity.BLOCK,
    "Index that is not an index",
    "An index file must be an object whose `weight_map` maps tensor names to file names.",
    "Write the index again.",
)
IX_PATH = Check(
    "IX-PATH",
    Severity.BLOCK,
    "Index that points elsewhere",
    "A shard in the index is not a plain file name beside the index; a loader would read outside the checkpoint.",
    "Use file names only.",
    "CWE-22",
)
IX_MISSING = Check(
    "IX-MISSING",
    Severity.BLOCK,
    "Shard that the index names and nobody has",
    "Loaders fail, or run with weights that were never set.",
    "Add the missing shard, or write the index again.",
    "sgl-project/sglang issue 32279",
)
IX_MAP = Check(
    "IX-MAP",
    Severity.BLOCK,
    "Index and shards that disagree",
    "A tensor is listed in a shard that does not hold it, or a shard holds a tensor that the index does not list.",
    "Write the index again from the shards.",
)
IX_DUP = Check(
    "IX-DUP",
    Severity.BLOCK,
    "Tensor in two shards",
    "Which of the two is loaded depends on the order in which a loader opens the files.",
    "Keep the tensor in one shard.",
)
IX_STRAY = Check(
    "IX-STRAY",
    Severity.WARN,
    "Weight file that no index mentions",
    "Some loaders follow the index, others take every weight file in the folder; they would load different models.",
    "Remove the file, or list its tensors in the index.",
)
IX_ABSENT = Check(
    "IX-ABSENT",
    Severity.BLOCK,
    "Shards without an index",
    "The files are numbered as shards, and no index says which tensor is where.",
    "Add the index file.",
)
IX_SIZE = Check(
    "IX-SIZE",
    Severity.WARN,
    "Index with a wrong total size",
    "`total_size` is not the sum of the tensors' bytes: the index belongs to other shards, or was edited.",
    "Write the index again from the shards.",
)
IX_COUNT = Check(
    "IX-COUNT",
    Severity.BLOCK,
    "Numbered shards that do not add up",
    "The names say how many shards there are (`-of-00004`), and there are more, fewer, or two different totals.",
    "Add what is missing or remove what is left over.",
)
CT_JSON = Check(
    "CT-JSON",
    Severity.BLOCK,
    "Configuration that is not strict JSON",
    "The file is not valid JSON in UTF-8, or a key comes twice. A reviewer reads one value and a loader uses another.",
    "Repair the file.",
    "RFC 8259",
)
CT_NONFINITE = Check(
    "CT-NONFINITE",
    Severity.NOTE,
    "Number that JSON does not have",
    "The file uses `NaN` or `Infinity`, which Python writes and other parsers refuse.",
    "Write the value in another form.",
    "RFC 8259, section 6",
)
CC_REMOTE = Check(
    "CC-REMOTE",
    Severity.BLOCK,
    "Configuration that loads code from another repository",
    "`auto_map` names a class as `repository--module.Class`. The code can change at any time after the release.",
    "Copy the code into the checkpoint, or use an architecture of the library.",
    "CVE-2025-66448; CVE-2026-22807",
)
CC_AUTOMAP = Check(
    "CC-AUTOMAP",
    Severity.WARN,
    "Configuration that asks for code from the checkpoint",
    "`auto_map` makes a loader import Python files from the checkpoint when its user trusts remote code.",
    "Prefer an architecture of the library; otherwise have the code reviewed and accepted.",
)
CC_MISSING = Check(
    "CC-MISSING",
    Severity.BLOCK,
    "Code that the configuration names and nobody has",
    "`auto_map` names a module that is not among the files; the model cannot be loaded as described.",
    "Add the file or remove the entry.",
)
CC_CODE = Check(
    "CC-CODE",
    Severity.WARN,
    "Program source among the files",
    "Python, shell or notebook files are run by people, and by loaders that trust remote code.",
    "Have the code reviewed and accepted, or publish it in a code repository.",
)
CC_KERNEL = Check(
    "CC-KERNEL",
    Severity.BLOCK,
    "Configuration that loads kernels from a repository",
    "An attention implementation is named by repository, so a loader fetches compiled code from there, even from "
    "readers who "
    "do not trust remote code.",
    "Remove the setting; let readers choose their implementation.",
    "CVE-2026-4372; CVE-2026-5241",
)
CC_TRUST = Check(
    "CC-TRUST",
    Severity.BLOCK,
    "Configuration that trusts remote code for its reader",
    "`trust_remote_code` is set inside a configuration file. That is for the reader to decide, not for the author.",
    "Remove the setting.",
    "CVE-2025-66448",
)
CC_MODULE = Check(
    "CC-MODULE",
    Severity.WARN,
    "Configuration that names modules to import",
    "A pipeline, module list or adapter names a Python library that is not one of the usual ones; it is imported when "
    "the "
    "model is loaded.",
    "Use classes of the library that the model is for, or have it accepted with the reason.",
)
CC_IMPORT = Check(
    "CC-IMPORT",
    Severity.BLOCK,
    "Configuration that imports from Python itself",
    "A pipeline, module list, adapter or target names a module of Python's own library or one that runs programs. It "
    "is imported and called when the model is loaded.",
    "Use classes of the library that the model is for.",
    "CWE-470",
)
CC_PATH = Check(
    "CC-PATH",
    Severity.BLOCK,
    "Configuration that names a file elsewhere",
    "A file of the tokenizer or a module is given by a path that climbs out of the checkpoint, or leads into the "
    "system's folders.",
    "Name files of the checkpoint.",
    "CWE-22",
)
CC_DANGER = Check(
    "CC-DANGER",
    Severity.BLOCK,
    "Source that starts programs, unpickles or runs text as code",
    "The code uses functions that a model's code has no need for, or is not what it looks like.",
    "Remove the code from the checkpoint.",
    "CWE-506; CVE-2021-42574",
)
