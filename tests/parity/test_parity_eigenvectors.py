"""Gradients through eigenvectors, by functions that don't see their signs: those of the database do."""

import numpy as np
import pytest

import graphlab.engine as engine

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.parity


@pytest.mark.parametrize("uplo", ["L", "U"])
def test_gradient_of_squared_eigenvectors_is_that_of_pytorch(uplo: str) -> None:
    a = np.random.default_rng(0).standard_normal((5, 5))
    a = a + a.T
    grads = []
    for library in (torch, engine):
        x = library.tensor(a.tolist(), dtype=library.float64, requires_grad=True)
        weights = library.arange(25, dtype=library.float64).view(5, 5)
        (library.linalg.eigh(x, UPLO=uplo)[1] ** 2 * weights).sum().backward()
        grads.append(x.grad.numpy())
    np.testing.assert_allclose(grads[1], grads[0], rtol=1e-9, atol=1e-9)
