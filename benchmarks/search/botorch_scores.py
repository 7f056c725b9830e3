"""BoTorch's qLogNEHVI as a score of candidates, to compare with: `pip install botorch`.

S. Ament et al., Unexpected improvements to expected improvement for Bayesian optimization, NeurIPS
2023; S. Daulton et al., Parallel Bayesian optimization of multiple noisy objectives with expected
hypervolume improvement, NeurIPS 2021.
"""

from __future__ import annotations

import numpy as np

SAMPLES = 128
AT_ONCE = 256
"""Candidates scored together: their memory grows with samples and boxes of the front."""


def qlognehvi(
    candidates: np.ndarray,
    places: np.ndarray,
    values: np.ndarray,
    reference: np.ndarray,
    violation: np.ndarray | None = None,
    pending: np.ndarray | None = None,
) -> np.ndarray:
    """Logarithm of the expected hypervolume improvement of each candidate.

    A `SingleTaskGP` with its default priors for each objective, and for the constraint violation
    if there is any; `SAMPLES` Sobol samples.

    Parameters
    ----------
    candidates : shape (candidates, features), in the unit cube
    places, values : of evaluated points; values are minimised, shape (points, objectives), and nan
        where the point failed
    reference : of the hypervolume; shape (objectives,)
    violation : of the points, positive where they failed or missed limits
    pending : places of points under way
    """
    import torch
    from botorch.acquisition.multi_objective.logei import (
        qLogNoisyExpectedHypervolumeImprovement,
    )
    from botorch.fit import fit_gpytorch_mll
    from botorch.models import ModelListGP, SingleTaskGP
    from botorch.models.transforms import Standardize
    from botorch.sampling import SobolQMCNormalSampler
    from gpytorch.mlls import SumMarginalLogLikelihood

    torch.set_default_dtype(torch.double)
    torch.set_num_threads(1)
    known = np.isfinite(values).all(axis=1)
    objectives = values.shape[1]
    models = [
        SingleTaskGP(
            torch.tensor(places[known]),
            torch.tensor(-values[known, at, None]),
            outcome_transform=Standardize(1),
        )
        for at in range(objectives)
    ]
    limits = {}
    if violation is not None and (violation > 0).any():
        signed = np.where(violation > 0, violation, -1.0)
        models.append(
            SingleTaskGP(
                torch.tensor(places),
                torch.tensor(signed[:, None]),
                outcome_transform=Standardize(1),
            )
        )
        limits = {"constraints": [lambda outcomes: outcomes[..., -1]]}
    from botorch.acquisition.multi_objective.objective import IdentityMCMultiOutputObjective

    model = ModelListGP(*models)
    fit_gpytorch_mll(SumMarginalLogLikelihood(model.likelihood, model))
    baseline = places[known]
    growth = qLogNoisyExpectedHypervolumeImprovement(
        model,
        ref_point=(-reference).tolist(),
        X_baseline=torch.tensor(baseline),
        X_pending=torch.tensor(pending) if pending is not None and len(pending) else None,
        sampler=SobolQMCNormalSampler(torch.Size([SAMPLES]), seed=0),
        objective=IdentityMCMultiOutputObjective(outcomes=list(range(objectives))),
        prune_baseline=True,
        **limits,
    )
    with torch.no_grad():
        parts = torch.tensor(candidates)[:, None].split(AT_ONCE)
        return np.concatenate([growth(part).numpy() for part in parts])
