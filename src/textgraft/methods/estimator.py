"""scikit-learn's contract for estimators, kept without scikit-learn.

Its tools take any object that answers as an estimator does (see "Developing scikit-learn estimators" in its guide);
none of them asks for a common base class. Importing it takes more than a second and 50 MB, and a served model needs
none of it. So what it wants in its own types is made when it asks, which is when it is loaded anyway.
"""

from __future__ import annotations

import copy
import sys
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Self, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from textgraft.errors import DataError, SettingError, TextgraftError, did_you_mean, listed
from textgraft.methods.hyperparameters import Hyperparameter
from textgraft.unicode import quoted

E = TypeVar("E", bound="Estimator")
UNCHANGED = "$UNCHANGED$"  # as scikit-learn has it: a request stays as it is


class Estimator:
    """What scikit-learn expects of a classifier besides ``fit``, ``predict`` and ``predict_proba``.

    The hyperparameters are declared on the class, see ``methods.hyperparameters``. What is fitted has an attribute
    ``task_``.
    """

    hyperparameters: ClassVar[Mapping[str, Hyperparameter]] = {}

    def get_params(self, deep: bool = True) -> dict[str, Any]:
        """The hyperparameters by name, sorted; with ``deep`` also ``name__other`` of those that are estimators."""
        params: dict[str, Any] = {}
        for name in sorted(self.hyperparameters):
            value = getattr(self, name)
            if deep and hasattr(value, "get_params") and not isinstance(value, type):
                params |= {f"{name}__{inner}": setting for inner, setting in value.get_params().items()}
            params[name] = value
        return params

    def set_params(self, **params: Any) -> Self:
        """Sets hyperparameters by name; ``name__other`` is ``other`` of the estimator ``name``.

        Raises:
            SettingError: there is no hyperparameter of some names; none is set then.
        """
        known, faults = sorted(self.hyperparameters), []
        for name in params:
            outer, nested, _ = name.partition("__")
            value = params.get(outer, getattr(self, outer, None))
            if outer not in known or (nested and not hasattr(value, "set_params")):
                faults.append(f"{type(self).__name__} has no hyperparameter {quoted(name)}.{did_you_mean(name, known)}")
        if faults:
            raise SettingError(f"{' '.join(faults)} It has {listed(known, 50) or 'none'}.")
        for name, value in sorted(params.items(), key=lambda item: "__" in item[0]):  # an estimator, then what is in it
            outer, nested, inner = name.partition("__")
            if nested:
                getattr(self, outer).set_params(**{inner: value})
            else:
                setattr(self, name, value)
        return self

    def __repr__(self) -> str:
        # As scikit-learn has it: only what differs from the default, compared as text, since arrays have no one ==.
        declared = self.hyperparameters
        changed = {k: v for k, v in self.get_params(deep=False).items() if repr(v) != repr(declared[k].default)}
        return f"{type(self).__name__}({', '.join(f'{name}={value!r}' for name, value in changed.items())})"

    def _repr_mimebundle_(self, **_: Any) -> dict[str, str]:
        """What a notebook shows: scikit-learn's diagram where it is loaded, the one line where not."""
        shown = {"text/plain": repr(self)}
        if "sklearn" in sys.modules:
            from sklearn.utils import estimator_html_repr

            shown["text/html"] = estimator_html_repr(self)
        return shown

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "task_")

    def __sklearn_tags__(self) -> Any:
        from sklearn.utils import ClassifierTags, InputTags, Tags, TargetTags

        return Tags(
            estimator_type="classifier",
            target_tags=TargetTags(required=True),
            classifier_tags=ClassifierTags(multi_label=True),
            input_tags=InputTags(string=True, one_d_array=True, two_d_array=False),
            no_validation=True,
        )

    # Metadata routing (its guide "Metadata Routing"): `valid` and `sample_weight` of fit, and `sample_weight` of score,
    # can be asked for.

    def get_metadata_routing(self) -> Any:
        """Which metadata scikit-learn's tools hand to ``fit`` and ``score``: a new ``MetadataRequest``."""
        from sklearn.utils.metadata_routing import MetadataRequest, get_routing_for_object

        if hasattr(self, "_metadata_request"):
            return get_routing_for_object(self._metadata_request)
        request = MetadataRequest(owner=self)
        request.fit.add_request(param="valid", alias=None)
        request.fit.add_request(param="sample_weight", alias=None)
        request.score.add_request(param="sample_weight", alias=None)
        return request

    def set_fit_request(
        self, *, valid: bool | str | None = UNCHANGED, sample_weight: bool | str | None = UNCHANGED
    ) -> Self:
        """Whether, or under which other names, scikit-learn's tools hand ``valid`` and ``sample_weight`` to ``fit``."""
        return self._request("fit", valid=valid, sample_weight=sample_weight)

    def set_score_request(self, *, sample_weight: bool | str | None = UNCHANGED) -> Self:
        """Whether, or under which other name, scikit-learn's tools hand ``sample_weight`` to ``score``."""
        return self._request("score", sample_weight=sample_weight)

    def _request(self, method: str, **aliases: bool | str | None) -> Self:
        request = self.get_metadata_routing()
        for name, alias in aliases.items():
            if alias != UNCHANGED:
                getattr(request, method).add_request(param=name, alias=alias)
        self._metadata_request = request
        return self


class NotFittedError(TextgraftError, ValueError, AttributeError):
    """A classifier is used before ``fit``; also scikit-learn's error of this name, where that is loaded."""


def check_fitted(model: Estimator) -> None:
    """Raises NotFittedError if ``fit`` has not been called, or did not end well."""
    if not model.__sklearn_is_fitted__():
        raise _not_fitted(f"This {type(model).__name__} is not fitted yet; call fit first, or load a saved model.")


def clone(model: E) -> E:
    """An unfitted copy of a classifier with copies of its hyperparameters."""
    params = model.get_params(deep=False).items()
    return type(model)(**{k: clone(v) if isinstance(v, Estimator) else copy.deepcopy(v) for k, v in params})


def accuracy(
    truth: ArrayLike, predicted: NDArray[Any], sample_weight: Sequence[float] | NDArray[np.float64] | None = None
) -> float:
    """The share of rows whose label, or every one of whose labels, is right.

    Args:
        truth: (n,) labels or an (n, k) 0/1 matrix.
        predicted: of the same shape.
        sample_weight: (n,) what each row counts; all the same if None.

    Raises:
        DataError: the shapes differ, or there are no rows.
    """
    given = np.asarray(truth.toarray() if hasattr(truth, "toarray") else truth)
    if given.shape != predicted.shape or not len(given):
        raise DataError(
            f"score needs labels for at least one text, in the form that fit was given; got labels of shape "
            f"{given.shape} for predictions of shape {predicted.shape}."
        )
    right = np.asarray(given == predicted).reshape(len(predicted), -1).all(axis=1)
    return float(np.average(right, weights=sample_weight))


def _not_fitted(sentence: str) -> NotFittedError:
    """The error as a child of scikit-learn's own too, for callers who catch that one: they have it loaded."""
    loaded = sys.modules.get("sklearn.exceptions")
    if loaded is None:
        return NotFittedError(sentence)

    def again(error: NotFittedError) -> Any:  # a class made here cannot be pickled by its name; workers send errors
        return _not_fitted, error.args

    kind: type[NotFittedError] = type("NotFittedError", (NotFittedError, loaded.NotFittedError), {"__reduce__": again})
    return kind(sentence)
