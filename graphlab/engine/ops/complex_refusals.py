"""What operators say to complex numbers, and a few to float16 and bfloat16, in PyTorch's words."""

from __future__ import annotations

from graphlab.engine.ops.kinds import REFUSED, REFUSED_LOW

_NAMED_AS_THE_OPERATOR = (
    "atan2 copysign ctc_loss cummax cummin div_floor div_trunc elu fmod frac ge glu gt hardshrink hypot igamma "
    "igammac le leaky_relu logaddexp2 logit lt mish mode nextafter prelu remainder softplus threshold xlogy "
    "special_airy_ai special_bessel_j0 special_bessel_j1 special_bessel_y0 special_bessel_y1 special_entr "
    "special_erfcx special_i0e special_i1 special_i1e special_log_ndtr special_modified_bessel_i0 "
    "special_modified_bessel_i1 special_modified_bessel_k0 special_modified_bessel_k1 special_ndtri "
    "special_scaled_modified_bessel_k0 special_scaled_modified_bessel_k1 special_spherical_bessel_j0 "
    "special_xlog1py special_zeta "
)
"""Refused by a kernel of the operator's own name."""
_KERNELS = {
    "alpha_dropout": "bernoulli_scalar_cpu_",
    "amax": "max_values_cpu",
    "amin": "min_values_cpu",
    "binary_cross_entropy": "binary_cross_entropy",
    "binary_cross_entropy_with_logits": "log_sigmoid_cpu",
    "cross_entropy": "log_softmax_lastdim_kernel_impl",
    "digamma": "digamma",
    "dropout": "bernoulli_scalar_cpu_",
    "erf": "erf_vml_cpu",
    "erfc": "erfc_vml_cpu",
    "erfinv": "erfinv_vml_cpu",
    "floor_divide": "div_floor_cpu",
    "gelu": "GeluKernelImpl",
    "group_norm": "GroupNormKernelImpl",
    "huber_loss": "huber_cpu",
    "i0": "i0_vml_cpu",
    "layer_norm": "LayerNormKernelImpl",
    "lgamma": "lgamma_vml_cpu",
    "log_softmax": "log_softmax_lastdim_kernel_impl",
    "logsigmoid": "log_sigmoid_cpu",
    "max_all": "max_all",
    "min_all": "min_all",
    "mse_loss": "mse_cpu",
    "nll_loss": "nll_loss_out_frame",
    "polygamma": "trigamma",
    "round": "round_vml_cpu",
    "rrelu": "rrelu_with_noise_out_cpu",
    "scaled_dot_product_attention": "softmax_lastdim_kernel_impl",
    "searchsorted": "searchsorted_out_cpu",
    "smooth_l1_loss": "smooth_l1_cpu",
    "softmax": "softmax_lastdim_kernel_impl",
    "softshrink": "softshrink_check",
    "special_ndtr": "erf_vml_cpu",
    "upsample_bicubic2d": "compute_indices_weights_cubic",
    "upsample_bilinear2d": "upsample_bilinear2d_channels_last",
    "upsample_linear1d": "compute_indices_weights_linear",
    "upsample_nearest1d": "compute_indices_weights_nearest",
    "upsample_nearest_exact1d": "compute_indices_weights_nearest",
    "upsample_trilinear3d": "compute_indices_weights_linear",
}
"""Refused by a kernel of another name."""
_WORDS: dict[str, tuple[type[Exception], str]] = {
    "argmax": (RuntimeError, "argmax(): does not support complex input"),
    "argmin": (RuntimeError, "argmin(): does not support complex input"),
    "cdist": (RuntimeError, "cdist only supports floating-point dtypes, X1 got: {title}"),
    "ceil": (NotImplementedError, "ceil is not supported for complex inputs"),
    "deg2rad": (RuntimeError, "deg2rad is not supported for complex tensors."),
    "floor": (NotImplementedError, "floor is not supported for complex inputs"),
    "fmax": (RuntimeError, "fmax not implemented for complex tensors."),
    "fmin": (RuntimeError, "fmin not implemented for complex tensors."),
    "hardtanh": (NotImplementedError, "clamp is not supported for complex types"),
    "heaviside": (RuntimeError, "heaviside is not yet implemented for complex tensors."),
    "isneginf": (RuntimeError, "isneginf does not support complex inputs."),
    "isposinf": (RuntimeError, "isposinf does not support complex inputs."),
    "kl_div": (RuntimeError, "kl_div: Complex inputs not supported."),
    "max": (RuntimeError, "max(): does not support complex input"),
    "maximum": (RuntimeError, "maximum not implemented for complex tensors."),
    "min": (RuntimeError, "min(): does not support complex input"),
    "minimum": (RuntimeError, "minimum not implemented for complex tensors."),
    "rad2deg": (RuntimeError, "rad2deg is not supported for complex tensors."),
    "relu": (NotImplementedError, "clamp is not supported for complex types"),
    "sign": (
        NotImplementedError,
        "Unlike NumPy, torch.sign is not intended to support complex numbers. Please use torch.sgn instead.",
    ),
    "signbit": (NotImplementedError, "signbit is not implemented for complex tensors."),
    "sort": (RuntimeError, " Sort does not support complex dtypes on CPU"),
    "topk": (RuntimeError, " topk does not support complex dtypes on CPU"),
    "trunc": (NotImplementedError, "trunc is not supported for complex inputs"),
}

for _name in _NAMED_AS_THE_OPERATOR.split():
    _KERNELS[_name] = _name.removeprefix("special_") + "_cpu"
for _name, _kernel in _KERNELS.items():
    REFUSED[_name] = (NotImplementedError, f"\"{_kernel}\" not implemented for '{{title}}'")
REFUSED.update(_WORDS)

_WIDE_ONLY = (
    "special_zeta special_ndtri special_log_ndtr special_erfcx special_airy_ai special_bessel_j0 special_bessel_j1 "
    "special_bessel_y0 special_bessel_y1 special_modified_bessel_i0 special_modified_bessel_i1 "
    "special_modified_bessel_k0 special_modified_bessel_k1 special_scaled_modified_bessel_k0 "
    "special_scaled_modified_bessel_k1 special_spherical_bessel_j0"
)
for _name in _WIDE_ONLY.split():
    REFUSED_LOW[_name] = _name.removeprefix("special_") + "_cpu"
REFUSED_LOW.update(cdist="cdist", ctc_loss="ctc_loss_cpu", linalg_lu_solve="linalg.lu_solve_cpu")
