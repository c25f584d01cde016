"""Tables of the restricted language: what may be imported, defined and read, and what is said about the rest."""

# ruff: noqa: E501, SIM905 - tables of words

from graphlab.i18n import N_

INNER_MODULES = {
    **dict.fromkeys(
        [
            "torch.nn.modules",
            *(
                f"torch.nn.modules.{part}"
                for part in "activation adaptive batchnorm channelshuffle container conv distance dropout flatten fold "
                "instancenorm lazy linear loss module normalization padding pixelshuffle pooling rnn sparse "
                "transformer upsampling utils".split()
            ),
        ],
        "torch.nn",
    ),
    **dict.fromkeys(
        [
            f"torch.optim.{part}"
            for part in "optimizer adadelta adagrad adam adamax adamw asgd lbfgs nadam radam rmsprop rprop sgd".split()
        ],
        "torch.optim",
    ),
    **dict.fromkeys((f"torch.utils.data.{part}" for part in ("dataset", "dataloader", "sampler")), "torch.utils.data"),
    **dict.fromkeys(("torch.autograd.function", "torch.autograd.variable"), "torch.autograd"),
    **dict.fromkeys(
        (
            f"torch.distributions.{part}"
            for part in "bernoulli beta binomial categorical cauchy dirichlet distribution exponential gamma kl laplace "
            "log_normal mixture_same_family multinomial multivariate_normal normal one_hot_categorical poisson "
            "transformed_distribution uniform utils".split()
        ),
        "torch.distributions",
    ),
    **dict.fromkeys(("torch.functional", "torch.types"), "torch"),
}
"""Modules inside PyTorch, and the public module whose names programs import from them."""

TORCH_MODULES = (
    frozenset(
        "torch torch.nn torch.nn.functional torch.nn.init torch.nn.utils torch.nn.utils.rnn torch.nn.utils.parametrize "
        "torch.nn.utils.parametrizations torch.nn.utils.prune torch.nn.parameter torch.nn.attention torch.optim torch.optim.lr_scheduler "
        "torch.optim.swa_utils torch.autograd torch.autograd.functional torch.autograd.graph torch.utils torch.utils.data "
        "torch.utils.checkpoint torch.linalg torch.fft torch.special torch.func torch.random torch.cuda "
        "torch.accelerator torch.amp torch.backends torch.backends.cudnn torch.backends.cuda "
        "torch.backends.cuda.matmul torch.backends.mps torch.distributions torch.masked "
        "torch.distributions.transforms torch.distributions.constraints torch.testing".split()
    )
    | INNER_MODULES.keys()
)
"""Modules of `torch` that a program may import, where the engine has them."""

_TYPING = (
    "Any AnyStr Annotated Callable ClassVar Collection Deque Dict DefaultDict Final FrozenSet Generator Generic Hashable "
    "Iterable Iterator List Literal Mapping MutableMapping NamedTuple NewType NoReturn Optional OrderedDict Protocol "
    "Sequence Set Sized Tuple Type TypeAlias TypeVar TypedDict Union TYPE_CHECKING cast overload Self"
)
_COLLECTIONS_ABC = (
    "Callable Collection Container Generator Hashable Iterable Iterator Mapping MutableMapping MutableSequence "
    "MutableSet Reversible Sequence Set Sized"
)
_OPERATOR = (
    "abs add and_ attrgetter concat contains countOf eq floordiv ge getitem gt index indexOf inv invert itemgetter le "
    "lshift lt matmul methodcaller mod mul ne neg not_ or_ pos pow rshift setitem sub truediv truth xor"
)

LIBRARY_NAMES: dict[str, str] = {
    "math": "*",
    "cmath": "*",
    "random": "Random betavariate choice choices expovariate gammavariate gauss getrandbits getstate lognormvariate "
    "normalvariate paretovariate randint random randrange sample seed setstate shuffle triangular uniform "
    "vonmisesvariate weibullvariate",
    "typing": _TYPING,
    "typing_extensions": _TYPING,
    "collections": "ChainMap Counter OrderedDict defaultdict deque namedtuple",
    "collections.abc": _COLLECTIONS_ABC,
    "itertools": "*",
    "functools": "cache cached_property cmp_to_key lru_cache partial reduce total_ordering wraps",
    "dataclasses": "asdict astuple dataclass field fields is_dataclass replace",
    "time": "asctime ctime gmtime localtime monotonic perf_counter perf_counter_ns process_time sleep strftime time time_ns",
    "datetime": "date datetime time timedelta timezone",
    "copy": "copy deepcopy",
    "string": "ascii_letters ascii_lowercase ascii_uppercase digits hexdigits octdigits printable punctuation whitespace",
    "statistics": "fmean geometric_mean harmonic_mean mean median median_high median_low mode pstdev pvariance stdev variance",
    "operator": _OPERATOR,
    "heapq": "heapify heappop heappush heappushpop heapreplace merge nlargest nsmallest",
    "bisect": "bisect bisect_left bisect_right insort insort_left insort_right",
    "re": "A ASCII DOTALL I IGNORECASE M MULTILINE S VERBOSE X compile escape findall finditer fullmatch match search "
    "split sub subn",
    "json": "dumps loads",
    "io": "BytesIO",
    "enum": "Enum Flag IntEnum IntFlag StrEnum auto unique",
    "inspect": "Parameter Signature isclass isfunction signature",
    "argparse": "ArgumentParser Namespace",
    "types": "SimpleNamespace",
    "tqdm": "tqdm trange",
    "tqdm.auto": "tqdm trange",
    "tqdm.notebook": "tqdm trange",
    "abc": "ABC abstractmethod",
    "contextlib": "ExitStack closing contextmanager nullcontext suppress",
    "warnings": "filterwarnings simplefilter warn",
    "unicodedata": "bidirectional category combining decimal digit east_asian_width is_normalized lookup mirrored name "
    "normalize numeric",
    "sys": "argv byteorder exit float_info getrecursionlimit maxsize platform stderr stdout version version_info",
    "numpy": "abs absolute add all allclose amax amin angle any append arange arccos arccosh arcsin arcsinh arctan arctan2 "
    "arctanh argmax argmin argpartition argsort argwhere around array array2string array_equal array_equiv array_repr "
    "array_split array_str asarray ascontiguousarray atleast_1d atleast_2d atleast_3d average bincount bitwise_and "
    "bitwise_not bitwise_or bitwise_xor block bool_ broadcast_arrays broadcast_shapes broadcast_to cbrt ceil clip "
    "column_stack complex64 complex128 concatenate conj convolve copy corrcoef correlate cos cosh count_nonzero cov cross "
    "cumprod cumsum deg2rad degrees delete diag diag_indices diagflat diagonal diff digitize divide divmod dot double "
    "dsplit dstack dtype e ediff1d einsum empty empty_like equal euler_gamma exp exp2 expand_dims expm1 eye finfo fix flip "
    "fliplr flipud float16 float32 float64 floor floor_divide fmax fmin fmod full full_like gradient greater greater_equal "
    "hanning histogram histogram2d hsplit hstack hypot identity iinfo imag in1d indices inf inner insert int16 int32 int64 "
    "int8 integer floating number interp intersect1d invert isclose isfinite isin isinf isnan isreal isscalar kron lcm "
    "gcd less less_equal linspace log log10 log1p log2 logaddexp logical_and logical_not logical_or logical_xor logspace "
    "matmul max maximum mean median meshgrid min minimum mod moveaxis multiply nan nan_to_num nanargmax nanargmin nanmax "
    "nanmean nanmin nanstd nansum nanvar ndarray ndenumerate ndim ndindex negative newaxis nonzero not_equal ones "
    "ones_like outer pad partition percentile pi piecewise poly1d polyfit polyval positive power prod ptp put "
    "quantile rad2deg radians ravel real reciprocal remainder repeat reshape resize roll rollaxis rot90 round searchsorted "
    "select setdiff1d set_printoptions shape sign signbit sin sinc single sinh size sort split sqrt square squeeze stack "
    "std subtract sum swapaxes take take_along_axis tan tanh tensordot tile trace transpose trapezoid tri tril "
    "tril_indices triu triu_indices true_divide trim_zeros trunc uint16 uint32 uint64 uint8 union1d unique "
    "unravel_index vander var vdot vectorize vsplit vstack where zeros zeros_like",
    "numpy.random": "RandomState beta binomial chisquare choice default_rng exponential gamma geometric laplace logistic lognormal "
    "multinomial multivariate_normal normal permutation poisson rand randint randn random random_sample seed shuffle "
    "standard_normal triangular uniform",
    "numpy.linalg": "LinAlgError cholesky cond det eig eigh eigvals eigvalsh inv lstsq matrix_power matrix_rank norm pinv qr "
    "slogdet solve svd",
    "numpy.fft": "fft fft2 fftfreq fftshift ifft ifft2 ifftshift irfft rfft rfftfreq",
}
"""The other modules that a program may import, with the names it sees there ("*": all public ones)."""

FUTURE = "__future__"

MODULE_HINTS: dict[str, str] = {
    "os": N_("programs here cannot reach files or other programs"),
    "pathlib": N_("programs here cannot reach files or other programs"),
    "shutil": N_("programs here cannot reach files or other programs"),
    "glob": N_("programs here cannot reach files or other programs"),
    "pickle": N_("programs here cannot reach files or other programs"),
    "tempfile": N_("programs here cannot reach files or other programs"),
    "subprocess": N_("programs here cannot reach files or other programs"),
    "multiprocessing": N_("programs here cannot start other programs"),
    "threading": N_("programs here run in one thread"),
    "asyncio": N_("programs here run in one thread"),
    "socket": N_("programs here cannot reach the network"),
    "urllib": N_("programs here cannot reach the network"),
    "requests": N_("programs here cannot reach the network"),
    "http": N_("programs here cannot reach the network"),
    "ctypes": N_("programs here cannot reach outside Python"),
    "matplotlib": N_("GraphLab draws loss curves and values itself"),
    "seaborn": N_("GraphLab draws loss curves and values itself"),
    "torchvision": N_("data sets and pictures cannot be loaded here; make small tensors in the program instead"),
    "torchaudio": N_("data sets and sounds cannot be loaded here; make small tensors in the program instead"),
    "sklearn": N_(
        "only torch, numpy and parts of Python's library are here; make the data with torch or numpy instead"
    ),
    "pandas": N_("only torch, numpy and parts of Python's library are here; make the data with torch or numpy instead"),
    "scipy": N_("only torch, numpy and parts of Python's library are here"),
    "tensorflow": N_("GraphLab runs PyTorch programs"),
    "jax": N_("GraphLab runs PyTorch programs"),
}
"""Why a module is not there, by its first name."""

BUILTIN_HINTS: dict[str, str] = {
    "open": N_("programs here cannot reach files. Write the numbers into the program, or make them with torch"),
    "input": N_("nobody can type while a program runs. Write the value into the program instead"),
    "eval": N_("text cannot be run as code. Write the expression itself"),
    "exec": N_("text cannot be run as code. Write the statements themselves"),
    "compile": N_("text cannot be run as code. Write the statements themselves"),
    "globals": N_("the program's inner tables are closed. Use a dict of your own"),
    "locals": N_("the program's inner tables are closed. Use a dict of your own"),
    "vars": N_("an object's inner tables are closed. Read its attributes by name"),
    "breakpoint": N_("GraphLab records every step. Set a breakpoint in the margin instead"),
    "help": N_("there is nobody to read it while a program runs. Hover over a name instead"),
    "memoryview": N_("raw memory is closed. Use a tensor or a numpy array"),
}
"""Built-in functions that are not there, and what to do instead."""

SAFE_BUILTINS = (
    "None False True Ellipsis NotImplemented abs all any ascii bin bool bytearray bytes callable chr classmethod complex "
    "dict divmod enumerate filter float format frozenset hash hex id int isinstance issubclass iter len list map max min "
    "next object oct ord pow property range repr reversed round set slice sorted staticmethod str sum super tuple zip"
).split()

DEFINABLE = frozenset(
    "__init__ __new__ __call__ __len__ __getitem__ __setitem__ __delitem__ __contains__ __iter__ __next__ __reversed__ "
    "__repr__ __str__ __format__ __bool__ __int__ __float__ __complex__ __index__ __round__ __hash__ __eq__ __ne__ __lt__ "
    "__le__ __gt__ __ge__ __add__ __radd__ __iadd__ __sub__ __rsub__ __isub__ __mul__ __rmul__ __imul__ __truediv__ "
    "__rtruediv__ __itruediv__ __floordiv__ __rfloordiv__ __ifloordiv__ __mod__ __rmod__ __imod__ __pow__ __rpow__ "
    "__ipow__ __matmul__ __rmatmul__ __imatmul__ __and__ __rand__ __or__ __ror__ __xor__ __rxor__ __lshift__ __rshift__ "
    "__neg__ __pos__ __abs__ __invert__ __divmod__ __enter__ __exit__ __getattr__ __post_init__ __missing__ __set_name__ "
    "__get__ __set__ __init_subclass__ __class_getitem__ __copy__ __deepcopy__ __length_hint__ __trunc__ __floor__ "
    "__ceil__ __del__".split()
)
"""Special methods that a class may define."""

READABLE = (DEFINABLE | frozenset("__name__ __qualname__ __doc__ __version__ __module__ __members__".split())) - {
    "__del__",
    "__getattr__",
    "__get__",
    "__set__",
    "__init_subclass__",
    "__class_getitem__",
    "__set_name__",
}
"""Special attributes that may be read from any object: methods, or plain text."""

NAMED_TUPLE = frozenset(["_replace", "_asdict", "_make", "_fields"])

INNER = frozenset(
    "tb_frame tb_next tb_lasti tb_lineno f_back f_builtins f_code f_generator f_globals f_locals f_lasti f_lineno f_trace "
    "f_trace_lines f_trace_opcodes co_argcount co_cellvars co_code co_consts co_exceptiontable co_filename co_firstlineno "
    "co_flags co_freevars co_kwonlyargcount co_lines co_linetable co_lnotab co_name co_names co_nlocals co_positions "
    "co_posonlyargcount co_qualname co_stacksize co_varnames gi_frame gi_code gi_yieldfrom gi_running gi_suspended "
    "cr_await cr_frame cr_code cr_origin cr_running cr_suspended ag_await ag_frame ag_code ag_running ag_suspended "
    "func_globals func_code func_closure func_defaults func_dict func_doc func_name im_func im_self im_class".split()
)
"""Attributes of Python's own machinery (frames, code, generators): never read."""

MODULE_NAMES = frozenset(
    "xp np numpy sys os io math random builtins importlib types weakref functools itertools operator inspect gc warnings "
    "ast time threading collections".split()
)
"""Attributes under which a library's object may hold a module; a program never gets one."""

GUARDED = MODULE_NAMES | frozenset(
    "obj format format_map ctypes tofile dump dumps bit_generator setflags setfield resize".split()
)
"""Attribute names that are harmless on most objects but not on all: asked for at run time."""

MODULE_TABLES = frozenset("_parameters _buffers _modules _non_persistent_buffers_set".split())
"""Tables of an `nn.Module`, out of which it answers attribute reads: a program reads copies and never sets them."""

READ_TABLES = frozenset("_parameters _buffers _modules".split())
"""Those of them that lessons read."""

INNER_WRITES = frozenset("dtype strides data shape flags".split())
"""Attributes that a program may set on its own objects but not on a NumPy array."""
