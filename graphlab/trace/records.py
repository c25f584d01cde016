"""The records of a run. Plain data: whoever writes them (our worker, one day a real PyTorch) and whoever draws them
agree on nothing else.

Ids are numbered from 0 in the order of creation and index straight into the reader's lists. -1 means "none".
"""

from enum import IntEnum, StrEnum
from typing import Any, NewType

import msgspec

EventId = NewType("EventId", int)
TensorId = NewType("TensorId", int)
ValueId = NewType("ValueId", int)
SpanId = NewType("SpanId", int)

FORMAT_VERSION = 1
"""Version of the trace format. A reader refuses a trace whose version is greater than its own."""

Scalar = None | bool | int | float | str
Param = Scalar | list[Any]


class EventKind(IntEnum):
    """What happened in one step of the timeline."""

    CREATE = 0  # a leaf tensor came from data: outputs [tensor]
    FORWARD = 1  # an operator: inputs -> outputs
    BACKWARD = 2  # an operator's vector-Jacobian product: inputs are gradients of its outputs, outputs of its inputs
    ACCUMULATE = 3  # gradients added: inputs [so far?, contribution], outputs [grad(T) or leaf.grad]
    UPDATE = 4  # an optimizer changed a parameter: inputs [param, grad], outputs [param]
    INPLACE = 5  # an operator wrote into a tensor: inputs as the operator's, outputs [the changed tensor]
    PRINT = 6  # text: what the program printed
    WARNING = 7  # text: the warning
    ERROR = 8  # text: the exception's message; op: the operator that failed or ""; inputs: its operands


class TensorKind(IntEnum):
    """What a tensor is to the program."""

    LEAF = 0  # data the program made: inputs, targets, constants
    PARAMETER = 1  # a leaf with requires_grad, or an nn.Parameter
    BUFFER = 2
    INTERMEDIATE = 3  # what an operator made
    GRADIENT = 4  # the gradient of the tensor `of`: a contribution to it, or the sum that flows on
    LEAF_GRAD = 5  # the `.grad` of the leaf `of`


class ValueForm(StrEnum):
    """How much of a tensor's value is kept."""

    WHOLE = "whole"
    SUMMARY = "summary"  # statistics and a thinned-out sample


class Base(msgspec.Struct, array_like=True, frozen=True, gc=False):
    """Base of all records: arrays on disk, never changed once written."""


class Span(Base, frozen=True):
    """A piece of the program's text. Lines from 1, columns from 0 in characters; the end is exclusive."""

    id: int
    line: int
    column: int
    end_line: int
    end_column: int
    name: str = ""  # the variable that the expression's value is assigned to, else ""
    function: str = ""  # qualified name of the function it stands in, "" at module level


class Tensor(Base, frozen=True):
    """One tensor: what stays the same while its value changes."""

    id: int
    kind: int  # TensorKind
    shape: list[int]
    dtype: str  # "float32"
    device: str  # "cpu", "cuda:0"
    name: str  # "w", "net.fc1.weight"; "" when the program gave it none
    requires_grad: bool = False
    of: int = -1  # for gradients: the tensor whose gradient it is
    base: int = -1  # for views: the tensor whose memory it shares
    n_bytes: int = 0
    attributes: dict[str, Param] = msgspec.field(default_factory=dict)  # what one source knows more than others


class Value(Base, frozen=True):
    """The value of a tensor at one event. The bytes lie in the store; see `TraceReader.array`."""

    id: int
    tensor: int
    event: int
    form: str  # ValueForm
    dtype: str
    shape: list[int]
    chunk: int  # where the bytes lie: chunk, offset, size
    offset: int
    size: int
    sample_shape: list[int] = msgspec.field(default_factory=list)  # SUMMARY: shape of the kept sample
    stats: dict[str, float] = msgspec.field(default_factory=dict)  # SUMMARY: min mean max std norm n_nan n_inf n_zero


class Event(Base, frozen=True):
    """One step of the timeline."""

    id: int
    kind: int  # EventKind
    op: str  # "linear", "relu", "SGD"; for BACKWARD the forward operator's name
    span: int = -1
    module: str = ""  # path of the module it ran in: "net.fc1"
    depth: int = 0  # how many modules deep
    inputs: list[int] = msgspec.field(default_factory=list)  # tensor ids in the operator's argument order, -1 for none
    outputs: list[int] = msgspec.field(default_factory=list)  # tensor ids, -1 where there is no gradient
    values: list[int] = msgspec.field(default_factory=list)  # value id for each output, -1 where not kept
    params: dict[str, Param] = msgspec.field(default_factory=dict)  # arguments that are no tensors: {"dim": 1}
    forward: int = -1  # BACKWARD, ACCUMULATE: the forward event that it belongs to
    text: str = ""
    memory: int = -1  # bytes in use on the event's device after it
    rank: int = 0  # which process of a distributed run
    root: int = -1  # BACKWARD, ACCUMULATE: number of the backward pass, from 0


class Section(Base, frozen=True):
    """A stretch of events: one iteration of the training loop, or what stands before or after it."""

    index: int  # position among all sections
    kind: str  # "setup", "iteration", "after"
    iteration: int  # number of the iteration from 0, -1 for the others
    first: int  # first event
    end: int  # first event that is no longer part
    detailed: bool = True  # False: thinned out, only losses and statistics were kept


class Loss(Base, frozen=True):
    """The value of one `backward()` root."""

    name: str
    iteration: int
    value: float
    event: int


class Memory(Base, frozen=True):
    """Bytes in use on one device after one event."""

    event: int
    device: str
    in_use: int
    peak: int


class Module(Base, frozen=True):
    """One module of the program's module tree."""

    path: str  # "net.fc1"
    type: str  # "Linear"
    text: str  # "Linear(in_features=2, out_features=16, bias=True)"


class Edit(msgspec.Struct, frozen=True):
    """Replace the text between two places. Lines from 1, columns from 0; the end is exclusive."""

    line: int
    column: int
    end_line: int
    end_column: int
    text: str


class Fix(msgspec.Struct, frozen=True):
    """A change to the program that may mend a problem."""

    title: str
    applicability: str  # "safe", "maybe", "needs-input"
    edits: list[Edit]
    verified: bool = False  # True only after a re-run came out clean


class Problem(msgspec.Struct, frozen=True):
    """A diagnosis of one error, warning or silent bug."""

    code: str  # "GL101"
    severity: str  # "error", "warning", "hint"
    title: str
    what: str
    why: str
    fix: str
    line: int  # 0 when unknown
    end_line: int
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    fixes: list[Fix] = msgspec.field(default_factory=list)
    event: int = -1
    picture: "Axes | None" = None
    softmax: "Softmax | None" = None


class Operand(msgspec.Struct, frozen=True):
    """One row of the drawing of operands' axes under each other."""

    name: str
    shape: list[int]
    columns: list[int]  # for each axis the column that it stands in
    marked: list[int] = msgspec.field(default_factory=list)  # axes that clash
    meanings: list[str] = msgspec.field(default_factory=list)  # per axis, "" when unknown
    dotted: list[int] = msgspec.field(default_factory=list)  # columns that it has no axis for, or size 1: stretched
    cells: list[str] = msgspec.field(default_factory=list)  # what stands in the boxes, where it isn't the sizes


class Axes(msgspec.Struct, frozen=True):
    """The operands' axes aligned in columns, with the clashing pair marked."""

    operands: list[Operand]
    n_columns: int
    note: str = ""
    sign: str = "≠"  # how the clashing pair stands to each other


class SoftmaxChoice(msgspec.Struct, frozen=True):
    """A softmax along one axis, worked out on the recorded scores."""

    dim: int
    table: list[list[float]]  # what it gives in the shown rows and columns
    row_sums: list[float]  # over all columns, also those that aren't shown
    column_sums: list[float]
    sums: list[list[float]]  # for each axis of the tensor: least and greatest sum along it


class Softmax(msgspec.Struct, frozen=True):
    """What sums to 1 in a softmax, and what would with every other axis."""

    event: int
    op: str  # "softmax", "log_softmax", "cross_entropy": the last applies one itself
    name: str  # of the scores
    shape: list[int]
    dim: int  # the axis that was used, from 0
    given: str  # "argument"; "implicit": PyTorch chose; "loss": the loss did
    expected: int = -1  # the axis that what follows needs, -1 where nothing says it
    by: str = ""  # who expects it: "cross_entropy", "matmul", "argmax", …, "layer"
    choices: list[SoftmaxChoice] = msgspec.field(default_factory=list)  # [] where no numbers were kept
    axes: list[int] = msgspec.field(default_factory=list)  # the axes of a table's rows and columns; one for a vector
    n_hidden: int = 0  # rows and columns that the table leaves out


class Failure(msgspec.Struct, frozen=True):
    """How the program failed."""

    type: str  # "RuntimeError"
    message: str
    line: int  # 0 when unknown
    event: int = -1
    kind: str = ""  # the engine's name for this failure: "broadcast", "matmul", …
    facts: dict[str, Any] = msgspec.field(default_factory=dict)
    traceback: str = ""  # as Python prints it, the program's own frames only
    span: int = -1


class Ghost(msgspec.Struct, frozen=True):
    """A step that the program would have taken after the one that failed, read from its text."""

    label: str  # "relu", "fc2", "loss_fn"
    inputs: list[str]  # names of variables or of earlier ghosts' outputs
    output: str  # the variable it would have been assigned to, else ""
    line: int
