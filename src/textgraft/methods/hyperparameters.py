"""Hyperparameters declared once, on the class of a method.

A declaration is an annotated attribute of the class::

    @hyperparameters
    class NetworkClassifier(GraphClassifier):
        epochs: int = hyperparameter(Number(1, whole=True), "passes over the data.", default=3)

The constructor and its types, the "Args" of the docstring, the check before ``fit``, ``get_params``, what is kept with
a model, what identifies a checkpoint, and the option on the command line are derived from it. A subclass with another
default or meaning declares it again, and nothing else.
"""

from __future__ import annotations

import dataclasses
import inspect
import re
import textwrap
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeVar, dataclass_transform

from textgraft.methods.constraints import Constraint

T = TypeVar("T")
KEY = "hyperparameter"
WIDTH = 116  # of the lines of a docstring, which help() indents by four


@dataclass(frozen=True)
class Hyperparameter:
    """What is declared of one."""

    constraint: Constraint  # what it may be, besides None where its type says so
    doc: str  # what it means: what stands behind its name in the docstring
    default: Any
    option: str | None = None  # ``doc`` in short, for the command line; None is its first clause; empty is no option
    off: str = ""  # of a yes or no, the name of the option that says no
    alone: bool = False  # whether the option, in a comparison of methods, is meant for the others
    saved: bool = True  # whether it is kept with the model. What says where and how long ``fit`` runs here is not
    trains: bool = True  # whether another value is another training, which no checkpoint of this one may begin
    earlier: Any = None  # of models that were saved before it was there, where that is not None
    annotation: str = ""  # its type, as it is written

    @property
    def kind(self) -> type:
        """The type that the command line reads."""
        return {"int": int, "float": float, "bool": bool}.get(self.annotation.removesuffix(" | None"), str)

    @property
    def help(self) -> str:
        """The clause on the command line; empty where that does not have it."""
        return re.sub('``"?|"?``', "", re.split(r"[;.](?: |$)", self.doc)[0]) if self.option is None else self.option

    def faults(self, name: str, value: object) -> list[str]:  # noqa: D102
        allowed = value is None and self.annotation.endswith("| None")
        return [] if allowed else self.constraint.faults(name, value)


def hyperparameter(
    constraint: Constraint,
    doc: str,
    *,
    default: Any,
    kw_only: bool = True,
    option: str | None = None,
    off: str = "",
    alone: bool = False,
    saved: bool = True,
    trains: bool = True,
    earlier: Any = None,
) -> Any:
    """Declares a hyperparameter; see ``Hyperparameter``, and ``dataclasses.field`` for ``kw_only``."""
    declared = Hyperparameter(constraint, doc, default, option, off, alone, saved, trains, earlier)
    return dataclasses.field(default=default, kw_only=kw_only, metadata={KEY: declared})


def redeclared(base: type, name: str, doc: str = "", *, default: Any) -> Any:
    """Declares a hyperparameter of a base class, or of another method, with another default or meaning."""
    declared: Hyperparameter = base.hyperparameters[name]  # type: ignore[attr-defined]
    declared = dataclasses.replace(declared, default=default, doc=doc or declared.doc)
    return dataclasses.field(default=default, metadata={KEY: declared})


def fitted(*, default: Any = dataclasses.MISSING, init: Literal[False] = False) -> Any:
    """Declares an attribute that ``fit`` sets."""
    return dataclasses.field(default=default, init=init)


@dataclass_transform(kw_only_default=True, eq_default=False, field_specifiers=(hyperparameter, redeclared, fitted))
def hyperparameters(cls: type[T]) -> type[T]:
    """Class decorator: makes the constructor of the declared hyperparameters, and says in the docstring what they mean.

    ``cls.hyperparameters`` are those of the class and then those of its bases, by name.
    """
    inherited: Mapping[str, Hyperparameter] = getattr(cls, "hyperparameters", {})
    made: Any = dataclass(kw_only=True, eq=False, repr=False)(cls)
    declared = {}
    for field in dataclasses.fields(made):
        if KEY in field.metadata:
            written = field.type if isinstance(field.type, str) else inspect.formatannotation(field.type)
            declared[field.name] = dataclasses.replace(field.metadata[KEY], annotation=written)
    order = [*(name for name in declared if name not in inherited), *inherited]
    made.hyperparameters = {name: declared[name] for name in order}
    made.unsaved = frozenset(name for name in order if not declared[name].saved)
    signature = inspect.signature(made.__init__)
    parameters = sorted((signature.parameters[name] for name in ("self", *order)), key=lambda parameter: parameter.kind)
    made.__init__.__signature__ = signature.replace(parameters=parameters)
    made.__doc__ = _documented(made)
    return made  # type: ignore[no-any-return]


def _documented(cls: Any) -> str:
    """The docstring with a section "Args", before that of the attributes if there is one."""
    before, heading, after = inspect.cleandoc(cls.__doc__ or "").partition("\nAttributes:\n")
    wrap = textwrap.TextWrapper(WIDTH, "    ", "        ", break_long_words=False, break_on_hyphens=False)
    arguments = [wrap.fill(f"{name}: {declared.doc}") for name, declared in cls.hyperparameters.items()]
    return "\n".join([before.rstrip(), "", "Args:", *arguments, heading + after]).rstrip()
