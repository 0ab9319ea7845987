"""Linear models: fitted by L-BFGS, their regularisation chosen and their scores calibrated on validation data."""

from textgraft.linear.choosing import Choice, Chooser, choose_linear, fit_chosen
from textgraft.linear.fitting import ClassWeight, LinearModel, Matrix, fit_linear

__all__ = ["Choice", "Chooser", "ClassWeight", "LinearModel", "Matrix", "choose_linear", "fit_chosen", "fit_linear"]
