"""The components of the Model Openness Framework, and the class that each is asked for.

Source: Model Openness Framework 1.0 (White et al., arXiv:2403.13784), as the Model Openness Tool configures it: its
settings name 17 components with a content type, a class, and whether the class requires them. The tool counts model
metadata and sample outputs apart, so that the framework's own text says 16.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, StrEnum


class Content(StrEnum):
    """What a component consists of; a release's licenses are given by it."""

    CODE = "code"
    DATA = "data"
    DOCUMENT = "document"


class OpennessClass(IntEnum):
    """The classes, and none; a lower number is more open, but for 0."""

    UNCLASSIFIED = 0
    OPEN_SCIENCE = 1
    OPEN_TOOLING = 2
    OPEN_MODEL = 3

    @property
    def rank(self) -> int:
        """How far it is from unclassified: 0 to 3, most open last."""
        return 0 if self is OpennessClass.UNCLASSIFIED else 4 - self.value

    @property
    def title(self) -> str:
        """The class by the framework's own name."""
        return {
            OpennessClass.UNCLASSIFIED: "Unclassified",
            OpennessClass.OPEN_SCIENCE: "Class I, Open Science",
            OpennessClass.OPEN_TOOLING: "Class II, Open Tooling",
            OpennessClass.OPEN_MODEL: "Class III, Open Model",
        }[self]

    @property
    def next(self) -> OpennessClass | None:
        """The class that is one step more open; None above the most open one."""
        return {0: OpennessClass.OPEN_MODEL, 3: OpennessClass.OPEN_TOOLING, 2: OpennessClass.OPEN_SCIENCE}.get(
            self.value
        )


class Part(StrEnum):
    """A component by the framework's exact name."""

    ARCHITECTURE = "Model architecture"
    PARAMETERS = "Model parameters (Final)"
    EVALUATION_RESULTS = "Evaluation results"
    MODEL_CARD = "Model card"
    DATA_CARD = "Data card"
    TECHNICAL_REPORT = "Technical report"
    SAMPLE_OUTPUTS = "Sample model outputs"
    TRAINING_CODE = "Training code"
    INFERENCE_CODE = "Inference code"
    EVALUATION_CODE = "Evaluation code"
    EVALUATION_DATA = "Evaluation data"
    LIBRARIES = "Supporting libraries and tools"
    DATASETS = "Datasets"
    PREPROCESSING_CODE = "Data preprocessing code"
    INTERMEDIATE_PARAMETERS = "Model parameters (Intermediate)"
    RESEARCH_PAPER = "Research paper"
    METADATA = "Model metadata"


@dataclass(frozen=True, slots=True)
class Asked:
    """What the framework asks of one component."""

    part: Part
    content: Content
    of_class: OpennessClass
    is_required: bool
    meaning: str


_III, _II, _I = OpennessClass.OPEN_MODEL, OpennessClass.OPEN_TOOLING, OpennessClass.OPEN_SCIENCE
_CODE, _DATA, _DOCUMENT = Content.CODE, Content.DATA, Content.DOCUMENT

FRAMEWORK: tuple[Asked, ...] = (
    Asked(Part.ARCHITECTURE, _CODE, _III, True, "Code that defines the layers and how they are joined."),
    Asked(Part.PARAMETERS, _DATA, _III, True, "The weights and biases after training."),
    Asked(Part.EVALUATION_RESULTS, _DOCUMENT, _III, True, "What evaluation found."),
    Asked(Part.MODEL_CARD, _DOCUMENT, _III, True, "Purpose, performance and limits of the model."),
    Asked(Part.DATA_CARD, _DOCUMENT, _III, True, "Origin, character and treatment of the training data."),
    Asked(Part.TECHNICAL_REPORT, _DOCUMENT, _III, True, "How the model was made and how it is used."),
    Asked(Part.SAMPLE_OUTPUTS, _DOCUMENT, _III, False, "Examples of what the model says."),
    Asked(Part.TRAINING_CODE, _CODE, _II, True, "Code and settings with which it was trained."),
    Asked(Part.INFERENCE_CODE, _CODE, _II, True, "Code that runs the model."),
    Asked(Part.EVALUATION_CODE, _CODE, _II, True, "Code with which it was evaluated."),
    Asked(Part.EVALUATION_DATA, _DATA, _II, True, "Data on which it was evaluated."),
    Asked(Part.LIBRARIES, _CODE, _II, False, "Libraries and tools made for it, such as the tokenizer's."),
    Asked(Part.DATASETS, _DATA, _I, True, "The data for training, validation and testing."),
    Asked(Part.PREPROCESSING_CODE, _CODE, _I, True, "Code that cleans, filters and shapes the data."),
    Asked(Part.INTERMEDIATE_PARAMETERS, _DATA, _I, True, "Checkpoints from within training."),
    Asked(Part.RESEARCH_PAPER, _DOCUMENT, _I, True, "A paper on the work behind the model."),
    Asked(Part.METADATA, _DATA, _I, False, "Training configuration, optimizer states and the like."),
)
ASKED: dict[Part, Asked] = {asked.part: asked for asked in FRAMEWORK}


def required_for(level: OpennessClass) -> tuple[Part, ...]:
    """All that a class requires, those of the classes below it included; nothing for unclassified."""
    return tuple(
        asked.part
        for asked in FRAMEWORK
        if asked.is_required and level is not OpennessClass.UNCLASSIFIED and asked.of_class >= level
    )
