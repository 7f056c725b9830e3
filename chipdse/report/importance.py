"""How much each parameter decides of each objective.

In a module of its own: the command line prints it, and the report's page loads a second longer.
"""

from __future__ import annotations

import warnings

from optuna.trial import FrozenTrial, TrialState

from chipdse.study.storage.folder import StudyFolder


def importance(folder: StudyFolder) -> dict[str, dict[str, float]]:
    """How much each parameter decides of each objective: PED-ANOVA over the told points.

    S. Watanabe, A. Bansal, F. Hutter: PED-ANOVA, IJCAI 2023, as Optuna has it. It would share an
    objective out that is the same everywhere, and give some to parameters with one value: neither
    is asked for.
    """
    trials = folder.study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))
    seen = (
        {name: {trial.params.get(name) for trial in trials} for name in trials[0].params}
        if trials
        else {}
    )
    varied = [name for name, values in seen.items() if len(values) > 1 and None not in values]
    if not varied:
        return {}
    # It loads scikit-learn for evaluators that are not used here: a second.
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    importances = {}
    for index, objective in enumerate(folder.sweep.objectives):
        sign = objective.sign

        def value(trial: FrozenTrial, index: int = index, sign: float = sign) -> float:
            return sign * float(trial.values[index])

        if len({trial.values[index] for trial in trials}) < 2:
            continue
        try:
            with warnings.catch_warnings():
                # It reminds that low values are the good ones, which `sign` sees to.
                warnings.simplefilter("ignore", UserWarning)
                shares = get_param_importances(
                    folder.study,
                    evaluator=PedAnovaImportanceEvaluator(),
                    params=varied,
                    target=value,
                )
        except (ValueError, RuntimeError):  # too few points, or all alike
            continue
        importances[objective.metric] = {name: float(share) for name, share in shares.items()}
    return importances
