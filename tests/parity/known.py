"""Entries of PyTorch's operator database that are not right yet, and why. A test fails when one is right."""

UNINITIALISED = "PyTorch leaves memory as it is; here it is zeros, so that runs repeat"
SHARED = "samples whose out= shares memory with an input lose the sharing on their way into this test"
OUT_TYPE = "out= of another type is refused in other words"
DESCRIPTOR = "a reflected method called directly on a number"
MATRIX_EXP = "large terms cancel: PyTorch's float32 has lost the digits that float64 still has here"
RANDOM = "the sampler has no derivative, or draws from a stream of its own"

SAMPLES: dict[str, str] = {
    "as_strided.partial_views": "the samples are views whose surroundings get lost on their way into this test",
    "as_strided_scatter": "0-dim samples",
    "bernoulli": RANDOM,
    "empty": UNINITIALISED,
    "empty_like": UNINITIALISED,
    "empty_permuted": UNINITIALISED,
    "empty_strided": UNINITIALISED,
    "new_empty": UNINITIALISED,
    "new_empty_strided": UNINITIALISED,
    "linalg.lstsq.grad_oriented": "the database calls a wrapper of torch's own",
    "linalg.pinv.singular": "the database multiplies two matrices first, in a wrapper of torch's own",
    "matrix_exp": MATRIX_EXP,
    "nn.functional.batch_norm": "0-dim samples",
    "nn.functional.conv_transpose3d": "the samples are too large for this test",
    "nn.functional.embedding_bag": "the database gives the arguments in another order",
    "nn.functional.triplet_margin_with_distance_loss": "the samples hold modules of torch's own",
    "normal": RANDOM,
    "normal.in_place": "the database calls the method as a function",
    "normal.number_mean": RANDOM,
    "polygamma.polygamma_n_0": "the database gives the arguments in another order",
    "polygamma.polygamma_n_1": "the database gives the arguments in another order",
    "polygamma.polygamma_n_2": "the database gives the arguments in another order",
    "polygamma.polygamma_n_3": "the database gives the arguments in another order",
    "polygamma.polygamma_n_4": "the database gives the arguments in another order",
    "rand_like": RANDOM,
    "sgn": "PyTorch's own gradient is a tensor without memory, which has no numbers to compare",
    "special.polygamma.special_polygamma_n_0": "the database gives the arguments in another order",
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
    "normal.in_place": "the database calls the method as a function",
    "multinomial": OUT_TYPE,
    "take": SHARED,
}
