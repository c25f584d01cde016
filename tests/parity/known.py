"""Entries of PyTorch's operator database that are not right yet, and why. A test fails when one is right."""

UNINITIALISED = "PyTorch leaves memory as it is; here it is zeros, so that runs repeat"
SHARED = "samples whose out= shares memory with an input lose the sharing on their way into this test"
OUT_TYPE = "out= of another type is refused in other words"
DESCRIPTOR = "a reflected method called directly on a number"
MATRIX_EXP = "large terms cancel: PyTorch's float32 has lost the digits that float64 still has here"
RANDOM = "the sampler has no derivative, or draws from a stream of its own"

SAMPLES: dict[str, str] = {
    "as_strided.partial_views": "the samples are views whose surroundings get lost on their way into this test",
    "as_strided_scatter": "PyTorch's gradient of the input is where it was overwritten, and missing elsewhere",
    "empty": UNINITIALISED,
    "empty_like": UNINITIALISED,
    "empty_permuted": UNINITIALISED,
    "empty_strided": UNINITIALISED,
    "new_empty": UNINITIALISED,
    "new_empty_strided": UNINITIALISED,
    "linalg.lstsq.grad_oriented": "the database calls a wrapper of torch's own",
    "linalg.pinv.singular": "the database multiplies two matrices first, in a wrapper of torch's own",
    "matrix_exp": MATRIX_EXP,
    "nn.functional.conv_transpose3d": "the samples are too large for this test",
    "nn.functional.triplet_margin_with_distance_loss": "the samples hold modules of torch's own",
    "rand_like": RANDOM,
    "zero_": "the database writes into leaves that require grad, which both refuse outside of it",
}

UNSTEADY = {
    "as_strided.partial_views",
    "empty",
    "empty_like",
    "empty_permuted",
    "empty_strided",
    "new_empty",
    "new_empty_strided",
}
"""Right now and then: by chance, memory that PyTorch leaves as it is may hold zeros."""

ERRORS: dict[str, str] = {
    "__radd__": DESCRIPTOR,
    "__rand__": DESCRIPTOR,
    "__rmul__": DESCRIPTOR,
    "__ror__": DESCRIPTOR,
    "__rxor__": DESCRIPTOR,
    "arange": OUT_TYPE,
    "bernoulli": SHARED,
    "cat": SHARED,
    "gather": SHARED,
    "index_select": SHARED,
    "kthvalue": SHARED,
    "masked_select": SHARED,
    "take": SHARED,
}
