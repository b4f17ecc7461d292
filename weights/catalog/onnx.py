"""Checks on ONNX models."""

from weights.findings import Check, Severity

OX_FORMAT = Check(
    "OX-FORMAT",
    Severity.WARN,
    "ONNX model",
    "The file is a graph of operators with its weights. Its structure and references were checked, the values of its "
    "tensors "
    "were not.",
    "Publish the weights as safetensors beside it, and have the graph accepted.",
)
OX_PATH = Check(
    "OX-PATH",
    Severity.BLOCK,
    "ONNX model that reads other files",
    "The graph takes tensor data from a path outside its folder, or is not well formed. A runtime would read whatever "
    "is there.",
    "Export the model again with data beside it.",
    "CVE-2022-25882; CVE-2024-27318",
)
OX_MISSING = Check(
    "OX-MISSING",
    Severity.BLOCK,
    "Data file that an ONNX or OpenVINO model needs and nobody has",
    "The graph names a file for its tensor data that is not among the files.",
    "Add the file.",
)
OX_OPERATOR = Check(
    "OX-OPERATOR",
    Severity.WARN,
    "ONNX model with operators of its own",
    "The graph uses operators that no standard runtime has; they come as native code that people would have to load.",
    "Export with standard operators, or have it accepted with the reason.",
)
OX_SIZE = Check(
    "OX-SIZE",
    Severity.BLOCK,
    "ONNX tensor whose bytes do not fit its shape",
    "A tensor in the graph has more or fewer bytes than its shape and type take.",
    "Export the model again.",
)
OX_COST = Check(
    "OX-COST",
    Severity.BLOCK,
    "ONNX model that costs too much to read",
    "The graph has far more nodes and fields than models have; it was not walked to its end.",
    "Export the model again without the surplus.",
    "CWE-400",
)
OX_DATA = Check(
    "OX-DATA",
    Severity.WARN,
    "Data of an ONNX or OpenVINO model in a file of its own",
    "The file has no format; the graph beside it says which bytes are which tensor. That they are there was checked, "
    "their values were not.",
    "Compare the digest with that of the export.",
)
