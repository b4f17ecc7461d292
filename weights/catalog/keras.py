"""Checks on Keras files, HDF5, TensorFlow's saved models and Flax's trees."""

from weights.findings import Check, Severity

KR_FORMAT = Check(
    "KR-FORMAT",
    Severity.WARN,
    "Keras model or weights in HDF5",
    "The file was read and holds plain arrays and layers of Keras itself. Loaders of this format have run code from "
    "it before.",
    "Prefer safetensors for the weights.",
    "CVE-2024-3660; CVE-2025-1550",
)
KR_CODE = Check(
    "KR-CODE",
    Severity.BLOCK,
    "Keras model that carries or imports code",
    "A layer is a Lambda, or a class or function is named that is not a layer, activation, loss, metric or optimizer "
    "of Keras itself. It would be run or imported when the model is loaded.",
    "Write the model with Keras' own layers, or publish its weights alone.",
    "CVE-2024-3660; CVE-2025-1550; CVE-2025-9905",
)
H5_FORM = Check(
    "H5-FORM",
    Severity.BLOCK,
    "HDF5 file that cannot be followed",
    "The file is cut short, has bytes that belong to nothing, or uses parts of the format that plain arrays of numbers "
    "have no need for. Not checked is never a pass.",
    "Write the file again with h5py's default settings, or convert it to safetensors.",
    "HDF5 File Format Specification 3.0",
)
H5_LINK = Check(
    "H5-LINK",
    Severity.BLOCK,
    "HDF5 file that reads other files",
    "A dataset keeps its values in another file, or a link leads into one. A loader would read whatever lies there.",
    "Write the values into the file itself.",
    "CWE-73",
)
TF_FORMAT = Check(
    "TF-FORMAT",
    Severity.WARN,
    "TensorFlow graph",
    "The file is a program of operators. All of them are known and none reaches files, Python or the network.",
    "Prefer safetensors for the weights.",
)
TF_OPERATOR = Check(
    "TF-OPERATOR",
    Severity.BLOCK,
    "TensorFlow graph that reaches outside",
    "The graph has an operator that reads or writes files, runs Python, sends values away, or belongs to a library of "
    "somebody's own; or it is not well formed. It runs when the model does.",
    "Export the model without the operator, or publish its weights alone.",
    "TensorFlow, Using TensorFlow securely",
)
FX_FORMAT = Check(
    "FX-FORMAT",
    Severity.NOTE,
    "Flax weights in MessagePack",
    "The file was read and holds plain arrays. Its loader makes numbers and nothing else.",
    "Prefer safetensors, which loaders can map instead of copying.",
    "flax, flax/serialization.py",
)
FX_FORM = Check(
    "FX-FORM",
    Severity.BLOCK,
    "MessagePack file that is not as Flax writes it",
    "The file is cut short, has bytes behind its tree, names something twice, or holds something else than arrays and "
    "numbers. Not checked is never a pass.",
    "Write the file again with Flax, or convert it to safetensors.",
    "MessagePack specification",
)
