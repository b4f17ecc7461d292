"""Checks on pickles and on the archives that carry them."""

from weights.findings import Check, Severity

PK_FORMAT = Check(
    "PK-FORMAT",
    Severity.WARN,
    "Pickle among the files",
    "A pickle is a program that runs when it is loaded. This one was walked without running it; whatever was found, "
    "people "
    "who load it have to trust it, and `weights_only` has been bypassed before.",
    "Convert the weights to safetensors and leave the pickle out.",
    "CVE-2025-32434; CVE-2026-24747",
)
PK_EXEC = Check(
    "PK-EXEC",
    Severity.BLOCK,
    "Pickle that calls something it has no need for",
    "The pickle names a function or class that is not on the short list of what a state dict needs, or calls "
    "something that "
    "cannot be known without running it.",
    "Treat the file as hostile; rebuild the weights from a source you trust.",
    "CVE-2025-1716; CVE-2025-10157",
)
PK_BROKEN = Check(
    "PK-BROKEN",
    Severity.BLOCK,
    "Pickle that cannot be followed",
    "The opcodes end early, use what they never stored, or nest too deeply. What stands before the fault would run "
    "all the "
    "same.",
    "Rebuild the file.",
    "ReversingLabs, nullifAI, 2025",
)
PK_FRAME = Check(
    "PK-FRAME",
    Severity.BLOCK,
    "Pickle whose frames do not hold their opcodes",
    "An opcode crosses the end of its frame, or frames overlap. The C and the Python reader then see different "
    "programs.",
    "Rebuild the file.",
    "python/cpython issue 154848",
)
PK_STREAM = Check(
    "PK-STREAM",
    Severity.BLOCK,
    "Bytes that belong to no pickle",
    "After the last pickle come bytes that neither are a pickle nor the storages it announces.",
    "Rebuild the file.",
)
PK_NESTED = Check(
    "PK-NESTED",
    Severity.BLOCK,
    "Pickle inside a pickle",
    "A string of bytes in the pickle is itself a pickle; loaders that unpack it would run it unseen.",
    "Rebuild the file without it.",
    "CVE-2025-1716",
)
PK_HIDDEN = Check(
    "PK-HIDDEN",
    Severity.BLOCK,
    "Pickle under another name",
    "The file holds a pickle and its name does not say so. Scanners that go by the name skip it.",
    "Remove the file.",
    "CVE-2025-1889; CVE-2025-10155",
)
PK_COST = Check(
    "PK-COST",
    Severity.BLOCK,
    "Pickle that costs too much to walk",
    "The pickle has more opcodes or bytes than any state dict needs, so it was not walked to its end.",
    "Convert the weights to safetensors.",
    "CWE-400",
)
PK_ZIP = Check(
    "PK-ZIP",
    Severity.BLOCK,
    "Archive that readers could take in two ways",
    "Central directory and local headers disagree, names come twice or climb, members are compressed or encrypted "
    "without "
    "need, checksums are wrong, or bytes lie between, before or after the members.",
    "Write the archive again with the library it is for.",
    "CVE-2025-1944; CVE-2025-1945; CVE-2025-10156",
)
PK_SCRIPT = Check(
    "PK-SCRIPT",
    Severity.BLOCK,
    "TorchScript program",
    "The archive holds compiled program code beside the weights. It runs when the model is used and is not inspected "
    "here.",
    "Publish the weights as safetensors and the code as source.",
)
NP_OBJECT = Check(
    "NP-OBJECT",
    Severity.BLOCK,
    "NumPy array of Python objects",
    "The array's data type is `object`, so its content is a pickle.",
    "Save the array with a numeric data type.",
    "CVE-2019-6446",
)
NP_HEADER = Check(
    "NP-HEADER",
    Severity.BLOCK,
    "NumPy file that is not well formed",
    "The header is not the documented dictionary, the data type is unknown, or the size does not fit the shape.",
    "Save the array again.",
    "NumPy enhancement proposal 1",
)
NP_FORMAT = Check(
    "NP-FORMAT",
    Severity.WARN,
    "Weights as NumPy arrays",
    "The arrays were read and are plain numbers, but loaders that allow pickles make no difference between these "
    "files and "
    "dangerous ones.",
    "Prefer safetensors.",
)
PK_WRAP = Check(
    "PK-WRAP",
    Severity.BLOCK,
    "Archive or compressed file",
    "The file wraps other files, and what a loader makes of them depends on the loader. What could be unpacked within "
    "bounds was looked into; that is no reason to publish it wrapped.",
    "Publish the files themselves; weights as safetensors.",
    "CVE-2025-32434; nullifAI, 2025",
)
