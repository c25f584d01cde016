"""float16, bfloat16 and complex numbers: values, gradients, promotion, printing and mixed precision, as in PyTorch."""

from __future__ import annotations

import contextlib
import importlib
import io
import itertools
import random
import subprocess
import sys
from operator import add, mul, truediv
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")

import op_samples  # noqa: E402 - beside this file; needs torch to be there

import graphlab.engine as engine  # noqa: E402

pytestmark = [pytest.mark.parity, pytest.mark.filterwarnings("ignore")]  # the samples provoke PyTorch's warnings

LOW = (
    "abs add addmm addmv baddbmm bmm cat ceil clamp clone cos cumsum div.no_rounding_mode dot einsum eq erf "
    "exp expand flatten gather ge index_select isfinite linspace log log_softmax logsumexp masked_fill matmul "
    "max.binary mean mm mul nn.functional.avg_pool2d nn.functional.batch_norm nn.functional.conv2d "
    "nn.functional.cross_entropy nn.functional.embedding nn.functional.gelu nn.functional.layer_norm "
    "nn.functional.linear nn.functional.max_pool2d nn.functional.mse_loss nn.functional.nll_loss "
    "nn.functional.relu nn.functional.silu nn.functional.softplus norm ones_like outer permute prod reciprocal "
    "repeat round rsqrt rsub sigmoid sin softmax split sqrt stack std.unbiased sub sum tanh to transpose triu "
    "unsqueeze var where zeros_like"
)
COMPLEX = (
    "abs acos add addmm addmv angle asin atan baddbmm bmm cat conj conj_physical cos cosh cumprod cumsum "
    "diagonal div.no_rounding_mode dot einsum eq exp expm1 fft.fft fft.ifft fft.irfft fft.hfft float_power "
    "imag index_select isfinite linalg.cholesky linalg.det linalg.eig linalg.eigvals linalg.eigh linalg.inv "
    "linalg.lu linalg.qr linalg.slogdet linalg.solve linalg.svd linalg.vecdot linalg.vector_norm log log10 "
    "logsumexp masked_fill matmul mean mm mul mv nn.functional.conv2d nn.functional.l1_loss "
    "nn.functional.linear norm outer permute polar pow prod real reciprocal reshape rsqrt sgn sigmoid sin sinc "
    "sinh sqrt std sum tan tanh transpose triu var vdot view_as_real where"
)
CASES = [(kind, name) for kind in ("float16", "bfloat16") for name in LOW.split()]
CASES += [("complex64", name) for name in COMPLEX.split()]
N_SAMPLES = 2


def _entries() -> dict[str, Any]:
    return {op_samples.label(op): op for op in op_samples.entries()}


ENTRIES = _entries()


@pytest.mark.parametrize(("kind", "name"), CASES)
def test_values_and_gradients_of_other_number_types_are_those_of_pytorch(kind: str, name: str) -> None:
    if name not in ENTRIES:
        pytest.skip("the database has no such entry")
    op, dtype = ENTRIES[name], getattr(torch, kind)
    if not op.supports_dtype(dtype, "cpu"):
        pytest.skip("PyTorch does not take this type here")
    torch.manual_seed(0), np.random.seed(0), random.seed(0)
    with_grad = op.supports_autograd and dtype in op.supported_backward_dtypes("cpu")
    samples = itertools.islice(op.sample_inputs("cpu", dtype, requires_grad=with_grad), N_SAMPLES)
    assert sum(op_samples.check_sample(op, sample, with_grad) for sample in samples)


TYPES = "bool uint8 int8 int16 int32 int64 uint16 uint32 uint64 float16 bfloat16 float32 float64 complex64 complex128"


def _told(function: Any, *args: Any, **named: Any) -> str:
    """What a call gives, as text; an error as its type and first line."""
    try:
        return str(function(*args, **named))
    except Exception as error:  # the edge between two engines: any exception is the result
        return f"{type(error).__name__}: {op_samples.first_line(error)}"


def _as_type(lib: Any, name: str) -> Any:
    return getattr(lib, name)


@pytest.mark.parametrize("a", TYPES.split())
def test_types_promote_as_in_pytorch(a: str) -> None:
    for b in TYPES.split():
        told = [_told(lib.promote_types, getattr(lib, a), getattr(lib, b)) for lib in (torch, engine)]
        assert told[0] == told[1], (a, b)


@pytest.mark.parametrize("a", ["float16", "bfloat16", "complex64", "complex128", "int64"])
@pytest.mark.parametrize("b", ["float16", "bfloat16", "float32", "complex64", "int32", "bool"])
def test_results_have_the_type_that_pytorch_gives_them(a: str, b: str) -> None:
    # PyTorch's complex32, which float16 goes with, is not here.
    numbers = (2, 2.5) if a == "float16" else (2, 2.5, 1j)
    if "float16" in (a, b) and "complex" in a + b:
        return
    for one, other in itertools.product(((2,), ()), repeat=2):
        rows = []
        for lib in (torch, engine):
            x, y = lib.ones(one, dtype=getattr(lib, a)), lib.ones(other, dtype=getattr(lib, b))
            rows.append([_told(lambda f=f, x=x, y=y: f(x, y).dtype) for f in (add, mul, truediv)])
            rows[-1] += [str((x * n).dtype) for n in numbers] + [str(lib.result_type(x, y))]
        assert rows[0] == rows[1], (one, other)


def test_limits_of_all_types() -> None:
    for name in TYPES.split():
        for info in ("finfo", "iinfo"):
            told = [_told(getattr(lib, info), getattr(lib, name)) for lib in (torch, engine)]
            assert told[0] == told[1], (info, name)
    for key in ("bits", "eps", "max", "min", "tiny", "smallest_normal", "resolution", "dtype"):
        for name in ("float16", "bfloat16", "float64", "complex64"):
            values = [getattr(lib.finfo(getattr(lib, name)), key) for lib in (torch, engine)]
            assert values[0] == values[1], (key, name)


NUMBERS = [
    [1 + 2j],
    [1 + 2j, 3 - 4.5j],
    [1e10 + 1j, 1e-5 - 1e3j],
    [float("nan") + 1j, float("inf") - 1j],
    [],
    [[1 + 2j, 3], [4, 5j]],
    [complex(k * 0.37 - 3, 5 - k * 1.7) for k in range(40)],
]


@pytest.mark.parametrize("numbers", NUMBERS, ids=range(len(NUMBERS)))
@pytest.mark.parametrize("kind", ["complex64", "complex128"])
def test_complex_tensors_print_as_in_pytorch(numbers: Any, kind: str) -> None:
    texts = []
    for lib in (torch, engine):
        t = lib.tensor(numbers, dtype=getattr(lib, kind))
        with lib.printoptions(precision=2) if lib is engine else torch._tensor_str.printoptions(precision=2):
            short = repr(t)
        texts.append([repr(t), short, repr(t.real), repr(t.clone().requires_grad_())])
    assert texts[0] == texts[1]


@pytest.mark.parametrize("kind", ["float16", "bfloat16"])
def test_low_precision_prints_as_in_pytorch(kind: str) -> None:
    for numbers in ([1.5, 2.3, 1000], [1e-5, 1.0], 2.5, [], [1.0, 2.0], [float("nan"), 3e4], list(range(1200))):
        texts = [repr(lib.tensor(numbers, dtype=getattr(lib, kind))) for lib in (torch, engine)]
        assert texts[0] == texts[1]


def test_default_type_may_be_float16() -> None:
    texts = []
    for lib in (torch, engine):
        lib.set_default_dtype(lib.float16)
        try:
            t = lib.tensor([1.5, 2.0])
            texts.append([repr(t), repr(lib.ones(2) / 3), str((lib.tensor([1, 2]) / 3).dtype), str(t.float())])
        finally:
            lib.set_default_dtype(lib.float32)
        texts[-1] += [_told(lib.set_default_dtype, lib.int64), _told(lib.set_default_dtype, "x")]
    assert texts[0] == texts[1]


CALLS = {
    "backward of a complex result": lambda lib, z: z.sum().backward(),
    "grad of a complex result": lambda lib, z: lib.autograd.grad(z.sum(), z),
    "order": lambda lib, z: z > z,
    "maximum": lambda lib, z: lib.max(z),
    "parts of two types": lambda lib, z: lib.complex(lib.ones(2), lib.ones(2, dtype=lib.float64)),
    "whole parts": lambda lib, z: lib.polar(lib.ones(2).int(), lib.ones(2).int()),
    "real numbers as pairs": lambda lib, z: lib.view_as_real(lib.ones(2)),
    "an odd pair": lambda lib, z: lib.view_as_complex(lib.ones(3)),
    "whole pairs": lambda lib, z: lib.view_as_complex(lib.ones(2, 2).int()),
    "imaginary part of real numbers": lambda lib, z: lib.ones(2).imag,
    "in place into real numbers": lambda lib, z: lib.ones(2).add_(z.detach()),
    "sign": lambda lib, z: lib.sign(z),
    "relu": lambda lib, z: lib.relu(z),
    "softmax": lambda lib, z: lib.softmax(z, 0),
    "sort": lambda lib, z: lib.sort(z),
    "floor": lambda lib, z: lib.floor(z),
    "range": lambda lib, z: lib.arange(3, dtype=lib.complex64),
    "item": lambda lib, z: z[0].item(),
    "list": lambda lib, z: z.tolist(),
    "format": lambda lib, z: f"{z.detach()[0]:.2f}",
    "number": lambda lib, z: complex(z.detach()[0]),
    "inverse in bfloat16": lambda lib, z: lib.linalg.inv(lib.eye(2, dtype=lib.bfloat16)),
    "transform in float16": lambda lib, z: lib.fft.fft(lib.ones(2, dtype=lib.float16)),
    "gradient": lambda lib, z: lib.autograd.grad((z * z.conj() * (1 + 2j)).real.sum() + z.abs().sum(), z)[0],
    "second gradient": lambda lib, z: _second(lib, z),
    "parts": lambda lib, z: lib.complex(z.real, z.imag * 2),
    "write a part": lambda lib, z: _write(lib, z),
    "to real": lambda lib, z: z.detach().float(),
    "drawn": lambda lib, z: _drawn(lib),
    "linear in bfloat16": lambda lib, z: _linear(lib),
}


def _drawn(lib: Any) -> Any:
    lib.manual_seed(3)
    return lib.randn(3, dtype=lib.complex64), lib.rand(20, dtype=lib.bfloat16), lib.randn(20, dtype=lib.complex64)


def _second(lib: Any, z: Any) -> Any:
    (first,) = lib.autograd.grad((z * z * z).abs().sum(), z, create_graph=True)
    return lib.autograd.grad(first.real.sum() + first.imag.sum(), z)[0]


def _write(lib: Any, z: Any) -> Any:
    t = z.detach().clone()
    t.real = lib.ones(2)
    t.imag.mul_(3)
    lib.view_as_real(t)[0, 1] = 7.0
    return t


def _linear(lib: Any) -> Any:
    lib.manual_seed(0)
    net = lib.nn.Sequential(lib.nn.Linear(3, 4), lib.nn.Tanh(), lib.nn.Linear(4, 2)).to(lib.bfloat16)
    optimizer = lib.optim.SGD(net.parameters(), lr=0.1, momentum=0.9)
    x = lib.linspace(-1, 1, 6).reshape(2, 3).bfloat16()
    for _ in range(3):
        optimizer.zero_grad()
        (net(x) ** 2).mean().backward()
        optimizer.step()
    return [p.grad.dtype for p in net.parameters()], net(x).float().sum().item() < 1


@pytest.mark.parametrize("what", CALLS)
def test_calls_answer_as_in_pytorch(what: str) -> None:
    told = [_told(CALLS[what], lib, lib.tensor([1 + 2j, 3 - 1j], requires_grad=True)) for lib in (torch, engine)]
    assert told[0] == told[1]


def _mixed_precision(lib: Any) -> None:
    functional, nn = lib.nn.functional, lib.nn
    lib.manual_seed(0)
    net = nn.Sequential(nn.Linear(4, 8), nn.LayerNorm(8), nn.ReLU(), nn.Linear(8, 3))
    conv, x, y = nn.Conv2d(1, 2, 3), lib.randn(5, 4), lib.tensor([0, 1, 2, 0, 1])
    picture = lib.randn(2, 1, 6, 6)
    with lib.autocast(device_type="cpu", dtype=lib.bfloat16):
        out = net(x)
        loss = functional.cross_entropy(out, y)
        results = [out, loss, lib.softmax(out, 1), conv(picture), x @ x.t(), lib.bmm(picture[:, 0], picture[:, 0])]
        results += [lib.exp(out), out.sum(), lib.cat([x, out.new_zeros(5, 1)], 1), functional.mse_loss(out, out)]
        results += [nn.LSTM(4, 3)(x)[0], nn.MultiheadAttention(4, 2)(x, x, x)[0], x.double() @ x.double().t()]
        with lib.autocast("cpu", enabled=False):
            results.append(x @ x.t())
        print(lib.is_autocast_enabled("cpu"), lib.get_autocast_dtype("cpu"))
    loss.backward()
    print([t.dtype for t in results], (x @ x.t()).dtype, net[0].weight.grad.dtype, round(loss.item(), 2))


def _scaled(lib: Any) -> None:
    for enabled in (True, False):
        p = lib.tensor([1.0, 2.0], requires_grad=True)
        optimizer = lib.optim.SGD([p], lr=0.1)
        scaler = lib.amp.GradScaler("cpu", enabled=enabled, init_scale=8.0, growth_interval=2)
        for i in range(5):
            optimizer.zero_grad()
            scaler.scale((p * p).sum() * (float("inf") if i == 2 else 1)).backward()
            scaler.step(optimizer)
            scaler.update()
            print(p, scaler.get_scale())
        print(scaler.state_dict(), scaler.is_enabled())
    print(_told(lib.amp.GradScaler("cpu").step, optimizer), _told(lib.amp.GradScaler("cpu").update))
    print(_told(lib.autocast, "nowhere"), _told(lib.autocast, 3))


@pytest.mark.parametrize("program", [_mixed_precision, _scaled])
def test_mixed_precision_prints_the_same(program: Any) -> None:
    printed = []
    for lib in (torch, engine):
        with contextlib.redirect_stdout(io.StringIO()) as out:
            program(lib)
        printed.append(out.getvalue())
    assert printed[0] == printed[1]


def test_functions_are_themselves_again_after_autocast() -> None:
    functional = importlib.import_module("graphlab.engine.nn.functional")
    before = (engine.matmul, engine.Tensor.__matmul__, functional.linear)
    with engine.autocast("cpu"):
        assert engine.matmul is not before[0]
    with pytest.raises(RuntimeError), engine.autocast("cpu"):
        engine.matmul(engine.ones(2, 3), engine.ones(2, 3))
    assert (engine.matmul, engine.Tensor.__matmul__, functional.linear) == before


def test_bfloat16_is_imported_when_it_is_first_used() -> None:
    program = (
        "import sys, graphlab.engine as torch; before = 'ml_dtypes' in sys.modules; "
        "torch.ones(2, dtype=torch.bfloat16); print(before, 'ml_dtypes' in sys.modules)"
    )
    out = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert out.stdout.split() == ["False", "True"]


def test_complex_gradcheck() -> None:
    z = engine.tensor([1 + 2j, 3 - 1j], dtype=engine.complex128, requires_grad=True)
    assert engine.autograd.gradcheck(lambda t: (t * t.conj() * t).abs(), (z,))


@pytest.mark.parametrize("name", ["SGD", "Adam", "AdamW", "RMSprop", "Adagrad"])
def test_complex_parameters_are_trained_as_in_pytorch(name: str) -> None:
    trained = []
    for lib in (torch, engine):
        p = lib.nn.Parameter(lib.tensor([0.5 - 1j, 2 + 0.25j]))
        optimizer = getattr(lib.optim, name)([p], lr=0.1)
        for _ in range(4):
            optimizer.zero_grad()
            ((p - (1 + 2j)).abs() ** 2).sum().backward()
            optimizer.step()
        trained.append(p.detach().numpy())
    np.testing.assert_allclose(trained[1], trained[0], rtol=1e-5)
