"""What requests and answers look like: their types, and what the OpenAPI document says of them."""

from __future__ import annotations

from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

Probability = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]


class Request(BaseModel):
    """The body of a request, of which nothing is guessed: no other members, no numbers in strings."""

    model_config: ClassVar[ConfigDict] = ConfigDict(strict=True, extra="forbid")


class PredictRequest(Request):
    """Texts, and what is wished of their predictions."""

    texts: Annotated[
        list[str], Field(fail_fast=True, description="The texts; there is one prediction for each, in their order.")
    ]
    model: Annotated[str | None, Field(description="The model's name; the first one where it is not given.")] = None
    top_k: Annotated[
        Count | None, Field(description="So many labels, the most probable ones; at most 100 where it is not given.")
    ] = None
    threshold: Annotated[
        Probability | None,
        Field(
            description="Labels are given from this probability on: of several labels in place of the model's own "
            "thresholds; of one label no answer is given below."
        ),
    ] = None
    abstain: Annotated[bool, Field(description="Give no label where the model is too unsure.")] = False
    explain: Annotated[bool, Field(description="Say which words mattered, of a few texts.")] = False
    neighbours: Annotated[
        Annotated[int, Field(ge=1, le=50)] | None,
        Field(description="So many of the most similar training texts, where the model keeps their vectors."),
    ] = None


class Scored(BaseModel):
    """A label and how probable it is."""

    label: str
    probability: Probability


class Word(BaseModel):
    """A part of the text, in code points, and what it weighs."""

    start: int
    end: int
    weight: float


class ExplanationOf(BaseModel):
    """What the words of a text have to do with a label."""

    label: str
    method: Literal["contributions", "gradients", "occlusion"]
    said: str
    words: list[Word]


class NeighbourOf(BaseModel):
    """A training text: its place among them (0 is the first). Models keep no texts, so there is none."""

    row: int
    text: str | None
    labels: list[str]
    similarity: float


class Predicted(BaseModel):
    """What is said of one text."""

    id: str
    label: str | None = Field(None, description="Of a task with one label; null where no answer is given.")
    labels: list[str] | None = Field(None, description="Of a task with several; null where no answer is given.")
    reason: Literal["", "unsure", "out of scope"]
    confidence: Probability = Field(description="How probable it is that what is predicted is right.")
    probabilities: list[Scored] = Field(description="The highest first.")
    possible: list[str] | None = Field(None, description="The labels that are possible, where sets were chosen.")
    explanation: ExplanationOf | None = None
    neighbours: list[NeighbourOf] | None = None
    cut: bool = Field(description="Whether the text is longer than what the model reads of it.")


class PredictResponse(BaseModel):
    """The predictions of a request, all of one version of one model."""

    model: str
    version: str
    request_id: str
    predictions: list[Predicted]


class Parameters(Request):
    """What Hugging Face's clients may ask for."""

    top_k: Count | None = None
    function_to_apply: Literal["sigmoid", "softmax", "none"] | None = None


class InferenceRequest(Request):
    """The body that Hugging Face's clients send for text classification."""

    inputs: Annotated[
        list[str], Field(fail_fast=True), BeforeValidator(lambda given: [given] if isinstance(given, str) else given)
    ]
    parameters: Parameters | None = None


class Score(BaseModel):
    """A label and its probability, as Hugging Face names them."""

    label: str
    score: float


class Line(Request):
    """A line of a stream."""

    text: str
    id: str | int | None = None


class About(BaseModel):
    """A model that is served."""

    name: str
    version: str
    method: str
    labels: list[str]
    multi_label: bool
    runtime: str | None = Field(description="The export that computes it; null where there is none.")
    abstains: bool
    sets: bool
    explains: bool
    neighbours: bool


class Models(BaseModel):
    """All models that are served."""

    models: list[About]
    feedback: bool = Field(description="Whether corrections are kept.")


class Detail(About):
    """A model with its card and its figures."""

    card: str | None = Field(description="Markdown.")
    metrics: dict[str, Any] | None = Field(description="Of its test data, where it has some.")
    thresholds: list[float] = Field(description="Of each label.")
    answers_from: float | None = Field(description="The least confidence of an answer, where one was chosen.")
    has_report: bool


class Fault(BaseModel):
    """A place in the body, as a JSON pointer, and what is wrong there."""

    pointer: str
    detail: str


class ProblemDetails(BaseModel):
    """A problem (RFC 9457)."""

    type: str
    title: str
    status: int
    detail: str
    reason: str
    request_id: str
    errors: list[Fault] | None = None


class Health(BaseModel):
    """Whether the service is well."""

    status: Literal["ok"]
