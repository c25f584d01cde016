"""Pasted messages and tracebacks: what is read out of them, and what is left unsaid."""

from __future__ import annotations

import time

import pytest

from graphlab.explain import explain_text

KNOWN = [
    ("The size of tensor a (4) must match the size of tensor b (3) at non-singleton "
        "dimension 1", "GL101", "sizes", [4, 3]),
    ("mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)", "GL102", "sizes", [784, 512]),
    ("size mismatch, m1: [32 x 784], m2: [512 x 10] at "
        "/pytorch/aten/src/TH/generic/THTensorMath.cpp:41", "GL102", "shapes", [[32, 784], [512, 10]]),
    ("size mismatch, got input (3), mat (3x4), vec (5)", "GL102", "sizes", [4, 5]),
    ("1D tensors expected, but got 2D and 1D tensors", "GL113", "n_dims", [2, 1]),
    ("shape '[4, -1]' is invalid for input of size 6", "GL104", "wanted", [4, -1]),
    ("view size is not compatible with input tensor's size and stride (at least one dimension …", "GL105", None, None),
    ("Sizes of tensors must match except in dimension 1. Got 3 and 4 in dimension 2 (The offending index "
        "is 1)", "GL106", "sizes", [3, 4]),
    ("Sizes of tensors must match except in dimension 0. Expected size 3 but got size 4 for tensor number 1 in "
        "the list.", "GL106", "index", 1),
    ("Dimension out of range (expected to be in range of [-2, 1], but got 2)", "GL107", "n_dims", 2),
    ("index 5 is out of bounds for dimension 0 with size 2", "GL108", "size", 2),
    ("too many indices for tensor of dimension 2", "GL109", "n_dims", 2),
    ("expected m1 and m2 to have the same dtype, but got: float != long int", "GL201", "dtypes", ["float", "long int"]),
    ("mat1 and mat2 must have the same dtype, but got Double and Float", "GL201", "dtypes", ["Double", "Float"]),
    ("mean(): could not infer output dtype. Input dtype must be either a floating point or complex dtype. "
        "Got: Long", "GL202", "op", "mean"),
    ("Expected all tensors to be on the same device, but found at least two devices, cuda:0 "
        "and cpu!", "GL203", "devices", ["cuda:0", "cpu"]),
    ("Only Tensors of floating point and complex dtype can require gradients", "GL301", None, None),
    ("only Tensors of floating point dtype can require gradients", "GL301", None, None),
    ("grad can be implicitly created only for scalar outputs", "GL302", None, None),
    ("element 0 of tensors does not require grad and does not have a grad_fn", "GL303", "index", 0),
    ("Trying to backward through the graph a second time, but the saved intermediate results have already been "
        "freed.", "GL304", None, None),
    ("a leaf Variable that requires grad has been used in an in-place operation.", "GL305", "is_view", False),
    ("0D or 1D target tensor expected, multi-target not supported", "GL401", None, None),
    ("1D target tensor expected, multi-target not supported", "GL401", None, None),
    ("multi-target not supported at /pytorch/aten/src/THNN/generic/ClassNLLCriterion.c:22", "GL401", None, None),
    ("Expected input batch_size (32) to match target batch_size (16).", "GL402", "batch_sizes", [32, 16]),
    ("Target size (torch.Size([3])) must be the same as input size "
        "(torch.Size([3, 1]))", "GL403", "input_shape", [3, 1]),
    ("Target 7 is out of bounds.", "GL405", "target", 7),
    ("expected scalar type Long but found Float", "GL406", "target_dtype", "Float"),
    ("optimizer got an empty parameter list", "GL701", None, None),
    ("cannot assign module before Module.__init__() call", "GL704", None, None),
]  # fmt: skip


@pytest.mark.parametrize(("message", "code", "fact", "value"), KNOWN, ids=[f"{k[1]}-{i}" for i, k in enumerate(KNOWN)])
def test_message_is_known_with_its_numbers(message: str, code: str, fact: str | None, value: object) -> None:
    found = explain_text(f"RuntimeError: {message}")
    assert found.code == code
    assert all((found.title, found.what, found.why, found.fix))
    assert "{" not in found.what + found.fix
    if fact is not None:
        assert found.facts[fact] == value


def test_numbers_of_a_message_are_said() -> None:
    found = explain_text("RuntimeError: mat1 and mat2 shapes cannot be multiplied (32x784 and 512x10)")
    assert "784" in found.what and "512" in found.what
    assert "nn.Linear(784, …)" in found.fix


def test_layer_is_named_when_the_traceback_shows_it() -> None:
    text = """Traceback (most recent call last):
  File "train.py", line 12, in <module>
    out = net(x)
  File "/usr/lib/python3/site-packages/torch/nn/modules/linear.py", line 125, in forward
    return F.linear(input, self.weight, self.bias)
RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x8 and 16x3)
"""
    found = explain_text(text)
    assert found.code == "GL103"
    assert found.facts["line"] == 12
    assert "16" in found.title and "8" in found.title


def test_colours_prefixes_and_line_wraps_do_not_matter() -> None:
    text = (
        "\x1b[31m[rank0]: RuntimeError: The size of tensor a (4) must match the size\x1b[0m\r\n"
        "[rank0]:    of tensor b (3) at non-singleton\r\n[rank0]:  dimension 1\r\n"
    )
    assert explain_text(text).facts["sizes"] == [4, 3]
    assert explain_text("2024-05-01 12:00:01,123 ERROR RuntimeError: Target 9 is out of bounds.").facts["target"] == 9
    assert explain_text("E       IndexError: Target 9 is out of bounds.").code == "GL405"


def test_words_cut_by_a_narrow_terminal_are_put_together() -> None:
    text = (
        "RuntimeError: The size of tensor a (4) mu\nst match the size of tenso\nr b (3) at non-singleton dimensio\nn 1"
    )
    assert explain_text(text).facts.get("sizes") == [4, 3]


def test_first_cause_of_several_errors_is_explained() -> None:
    text = """IndexError: Target 7 is out of bounds.

During handling of the above exception, another exception occurred:

RuntimeError: The size of tensor a (4) must match the size of tensor b (3) at non-singleton dimension 1
"""
    assert explain_text(text).code == "GL405"


def test_error_matters_more_than_the_warning_before_it() -> None:
    text = (
        "UserWarning: Implicit dimension choice for softmax has been deprecated. Change the call to include dim=X.\n"
        "RuntimeError: mat1 and mat2 shapes cannot be multiplied (3x4 and 3x4)"
    )
    assert explain_text(text).code == "GL102"
    assert explain_text(text.splitlines()[0]).code == "GL410"


CUDA_OLD = (
    "RuntimeError: CUDA out of memory. Tried to allocate 20.00 MiB (GPU 0; 7.93 GiB total capacity; 6.20 GiB already "
    "allocated; 12.31 MiB free; 6.21 GiB cached)"
)
CUDA_RESERVED = (
    "RuntimeError: CUDA out of memory. Tried to allocate 1.50 GiB (GPU 1; 15.78 GiB total capacity; 8.20 GiB already "
    "allocated; 1.01 GiB free; 13.90 GiB reserved in total by PyTorch)"
)
CUDA_OTHERS = (
    "torch.cuda.OutOfMemoryError: CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total capacty of "
    "8.00 GiB "
    "of which 10.00 MiB is free. Process 1234 has 6.20 GiB memory in use. Including non-PyTorch memory, this "
    "process has "
    "1.79 GiB memory in use. Of the allocated memory 1.20 GiB is allocated by PyTorch, and 10.00 MiB is reserved by "
    "PyTorch but unallocated. If reserved but unallocated memory is large try setting PYTORCH_CUDA_ALLOC_CONF"
)
CUDA_HUGE = (
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 40.00 GiB. GPU 0 has a total capacity of "
    "24.00 GiB of "
    "which 23.00 GiB is free. Of the allocated memory 0 bytes is allocated by PyTorch, and 0 bytes is reserved "
    "by PyTorch"
)
MPS = (
    "RuntimeError: MPS backend out of memory (MPS allocated: 5.05 GB, other allocations: 2.00 GB, max allowed: "
    "9.07 GB). "
    "Tried to allocate 2.10 GB on private pool."
)


@pytest.mark.parametrize(
    ("text", "requested", "said", "unsaid"),
    [
        (CUDA_OLD, 20 * 2**20, "batch smaller", "expandable_segments"),
        (CUDA_RESERVED, 3 * 2**29, "fragmentation", "nvidia-smi"),
        (CUDA_OTHERS, 20 * 2**20, "nvidia-smi", "expandable_segments"),
        (CUDA_HUGE, 40 * 2**30, "larger than the device", "expandable_segments"),
        (MPS, int(2.10 * 2**30), "batch smaller", "nvidia-smi"),
    ],
)
def test_advice_on_memory_fits_the_numbers(text: str, requested: int, said: str, unsaid: str) -> None:
    found = explain_text(text)
    assert found.code == "GL501"
    assert found.facts["requested"] == requested
    assert said in found.fix
    assert unsaid not in found.fix


def test_all_numbers_of_an_out_of_memory_message_are_read() -> None:
    facts = explain_text(CUDA_OTHERS).facts
    assert facts["capacity"] == 8 * 2**30
    assert facts["free"] == 10 * 2**20
    assert facts["other_processes"] == int(6.20 * 2**30)
    assert facts["unused"] == 10 * 2**20


def test_unknown_text_is_said_to_be_unknown() -> None:
    found = explain_text('File "a.py", line 3\nFooError: the frobnicator is out of gas')
    assert found.code is None
    assert found.facts["type"] == "FooError"
    assert found.facts["line"] == 3
    assert "frobnicator" in found.what
    assert explain_text("hello").code is None
    assert explain_text("").code is None


def test_calling_a_tensor_is_blamed_on_jacobian_only_where_it_is_named() -> None:
    message = "TypeError: 'Tensor' object is not callable"
    assert explain_text(message).code == "GL814"
    assert explain_text(f"    jacobian(y, x)\n{message}").code == "GL307"


NASTY = {
    "one letter": "a" * 10**6,
    "brackets": "(" * 10**6,
    "beginnings": "The size of tensor a (" * 45000,
    "lists": "[1, " * 250000,
    "lines": "\n" * 10**6,
    "escapes": "\x1b[" * 500000,
    "prefixes": "[rank0]: " * 110000,
    "memory": "CUDA out of memory. Tried to allocate 20.00 MiB " * 20000,
    "errors": "FooError: x\n" * 80000,
    "type": "A" + "a" * 10**6 + "Error",
    "libraries": "a.so" * 250000,
    "digits": "size mismatch, m1: [" + "9" * 10**6,
    "full-width": "\uff1a" * 10**6,
    "tags": "<span " * 160000,
    "workers": "KeyError: Caught KeyError in DataLoader worker process " * 20000,
    "surrogates": "\ud800" * 1000,
    "dtypes": "expected m1 and m2 to have the same dtype, but got: " + "a " * 400000,
}


@pytest.mark.parametrize("name", NASTY)
def test_no_input_takes_long(name: str) -> None:
    explain_text("warm up")
    before = time.process_time()
    explain_text(NASTY[name])
    assert time.process_time() - before < 0.2
