"""The one training loop: a generator that yields after every step, so that callers draw, log or stop as they like."""

from __future__ import annotations

import gc
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from textgraft.errors import TrainingError
from textgraft.hardware import matmul_dtype
from textgraft.training import processes
from textgraft.training.checkpoints import Checkpoints
from textgraft.training.memory import Memory, give_back
from textgraft.training.settings import TrainingSettings
from textgraft.training.workers import Workers

if TYPE_CHECKING:
    import torch

    from textgraft.training.optimizer import MasterAdamW

Rows = NDArray[np.intp]
SMALLER = "Lower max_tokens (--max-tokens) or batch_size (--batch-size), or take a smaller network."
SLOW_START = 0.05  # of a budget may go to the first steps, which are slow, before the learning rate follows the clock


class Score(NamedTuple):
    """How good a network is on data that is not trained on."""

    value: float  # what the best epoch is chosen by; higher is better
    metric: float  # what people are shown


class Objective(Protocol):
    """What a network is trained for: rows in batches, the loss of some of them, and a score on other data."""

    network: torch.nn.Module  # its parameters with ``requires_grad`` are trained
    threads: int  # how many parts of a step may be computed at once; the losses then must not share random numbers
    score_cost: float  # about what ``score`` takes, in epochs of training, or 0; a time budget is planned by it

    def epoch(self, number: int) -> Sequence[Rows]:
        """The rows of each step of an epoch, counted from 0; every epoch has equally many steps."""

    def parts(self, rows: Rows) -> Sequence[Rows]:
        """Rows of one step in parts that are computed at once, so that they fit into memory."""

    def loss(self, rows: Rows) -> torch.Tensor:
        """The weighted sum of the losses of ``rows``."""

    def weight(self, rows: Rows) -> float:
        """The sum of their weights; a step's loss is divided by it."""

    def score(self) -> Score | None:
        """Of the network as it is, on data that is not trained on. None where there is none."""

    def finish(self, shrunk: float) -> None:
        """The network holds its final weights. ``shrunk``: see ``MasterAdamW.decay``."""


@dataclass(frozen=True)
class Progress:
    """Where training is after a step."""

    step: int  # 1-based, over all epochs
    steps: int
    epoch: int  # 1-based
    loss: float  # mean over the step's rows, before the update
    learning_rate: float
    done: float  # the share of the training that is done, by steps or, with a budget, by time
    rows: int  # trained on in this step, by all processes
    seconds: float  # spent on steps so far, sessions before a resumption included, scoring excluded
    texts_per_second: float  # of the last steps, averaged; scoring excluded
    score: float | None = None  # the metric on the validation data, at the last step of an epoch
    best: bool = False  # whether this epoch is the best so far; see ``Score``
    scores: tuple[float, ...] = ()  # of all epochs so far
    best_epoch: int = 0  # 1-based, of those so far; 0 where nothing is scored

    def __str__(self) -> str:
        score = f" · valid {self.score:.3f}" if self.score is not None else ""
        return f"epoch {self.epoch} · loss {self.loss:.3f}{score} · {self.texts_per_second:,.0f} texts/s"


@dataclass
class _State:
    """How far training is; together with the tensors and random states, all that a checkpoint needs."""

    step: int = 0
    epoch: int = 0
    index: int = 0  # of the next step in the epoch
    seconds: float = 0.0
    scoring: float = 0.0  # seconds
    best_score: float = -math.inf
    best_epoch: int = 0
    best_decay: float = 1.0
    waited: int = 0  # epochs since the best score
    pieces: int = 1  # into which each part is cut, because memory did not suffice
    scores: tuple[float, ...] = ()
    ended: bool = False  # by the clock, or by patience, and scored
    last: dict[str, Any] | None = None  # the fields of the last Progress


def train(
    objective: Objective,
    settings: TrainingSettings,
    *,
    depths: Mapping[str, int] | None = None,
    checkpoints: Checkpoints | None = None,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Progress]:
    """Trains the objective's network in place and leaves it in fp32 with the weights of its best epoch.

    On a CPU, training that resumes from a checkpoint ends with the very weights of one that was never interrupted.

    Args:
        objective: what is trained on what.
        settings: how.
        depths: for ``layer_decay``, how far from the head each parameter is.
        checkpoints: where and how often to write them, and whether to go on from one.
        clock: gives seconds, from any start on.

    Yields:
        Progress after every step.

    Raises:
        TrainingError: the loss or the gradients are no longer finite; memory does not suffice for a single row; a
            checkpoint cannot be written, or is of another training.
    """
    training = _Training(objective, settings, depths, checkpoints, clock)
    # What is there already outlives training; Python need not look through it for garbage again and again.
    gc.freeze()
    try:
        yield from training.run()
    except (RuntimeError, MemoryError) as error:
        if not _out_of_memory(error):
            raise
        raise TrainingError(f"Memory does not suffice for this training. {SMALLER}") from None
    finally:
        gc.unfreeze()
        training.workers.close()
        give_back()


@dataclass
class _Training:
    objective: Objective
    settings: TrainingSettings
    depths: Mapping[str, int] | None
    checkpoints: Checkpoints | None
    clock: Callable[[], float]

    def __post_init__(self) -> None:
        import torch

        from textgraft.training.optimizer import MasterAdamW

        processes.connect()
        network = self.objective.network
        self.device = next(network.parameters()).device
        dtype = matmul_dtype(self.settings.precision, self.device)
        self.optimizer: MasterAdamW = MasterAdamW(network, self.settings, dtype, self.depths)
        self.steps_per_epoch = len(self.objective.epoch(0))
        self.steps = self.settings.epochs * self.steps_per_epoch
        self.state = _State()
        self.pace = 0.0
        self.memory = Memory()
        self.workers = Workers(self.objective.threads)
        self.best: torch.Tensor | None = None
        # Each process drops other units.
        torch.manual_seed(self.settings.seed + 1_000_003 * processes.rank())
        if self.checkpoints is not None:
            if (saved := self.checkpoints.last()) is None:
                self.checkpoints.start_anew()
            else:
                self._go_on(*saved)

    def run(self) -> Iterator[Progress]:
        objective, state = self.objective, self.state
        if state.last is not None:
            progress = Progress(**state.last)
            if state.index == 0 and self._over():
                yield progress  # everything was done before the resumption but for the end
        while state.index or not self._over():
            steps = objective.epoch(state.epoch)
            objective.network.train()
            while state.index < len(steps) and not self._over():
                progress = self._step(steps[state.index])
                state.step += 1
                state.index += 1
                state.last = asdict(progress)
                self.memory.check()
                if state.index == len(steps) or self._over():
                    break
                yield progress
                self._keep_checkpoint()
            state.ended = self._over()
            progress = self._score(progress)
            state.epoch += 1
            state.index = 0
            state.last = asdict(progress)
            yield progress
            state.ended |= self.settings.patience is not None and state.waited >= self.settings.patience
            # The last one stays until the trained network is saved.
            self._keep_checkpoint(always=self._over())
        decay = self.optimizer.decay if self.best is None else state.best_decay
        self.optimizer.put_back(self.optimizer.weights if self.best is None else self.best)
        objective.network.eval()
        objective.finish(decay)

    def _done(self, ahead: float = 0.0) -> float:
        """The share of the training that is done, by steps or, where that is further, by time."""
        state = self.state
        share = (state.step + ahead) / self.steps
        if self.settings.budget is not None and state.step:
            epoch = state.seconds / state.step * self.steps_per_epoch
            reserve = epoch * self.objective.score_cost if state.scoring == 0 else state.scoring / max(1, state.epoch)
            room = self.settings.budget - reserve
            spent = (state.seconds + state.scoring) / room if room > 0 else 1.0
            share = max(share, (spent - SLOW_START) / (1 - SLOW_START))
        return min(1.0, share)

    def _over(self) -> bool:
        return self.state.ended or self._done() >= 1

    def _step(self, rows: Rows) -> Progress:
        import torch

        started = self.clock()
        optimizer, state = self.optimizer, self.state
        rate = self.settings.rate(self._done(0.5))
        weight = self.objective.weight(rows)
        total = self._backward(rows[processes.rank() :: processes.count()])
        processes.add_up(optimizer.gradient)
        norm = optimizer.norm(weight)
        if processes.count() > 1:
            shared = torch.tensor(total, dtype=torch.float64, device=self.device)
            processes.add_up(shared)
            total = float(shared)
        loss = total / weight
        if not math.isfinite(loss) or not (math.isfinite(norm) or optimizer.scale != 1):
            raise TrainingError(self._diverged(loss if not math.isfinite(loss) else norm))
        optimizer.step(rate, weight, norm)
        seconds = self._agreed(self.clock() - started)
        state.seconds += seconds
        pace = len(rows) / max(seconds, 1e-9)
        self.pace = 0.95 * self.pace + 0.05 * pace if self.pace else pace
        return Progress(
            state.step + 1,
            self.steps,
            state.epoch + 1,
            loss,
            self.settings.learning_rate * rate,
            self._done(1),
            len(rows),
            state.seconds,
            self.pace,
        )

    def _agreed(self, seconds: float) -> float:
        """The first process's seconds, where a budget makes all of them follow the clock."""
        return seconds if self.settings.budget is None else processes.gather(seconds)[0]

    def _backward(self, rows: Rows) -> float:
        """Gathers the gradients of this process's rows; where memory does not suffice, in smaller parts."""
        import torch

        state = self.state
        while True:
            random = _random_states(self.device)
            try:
                total = 0.0
                for part in self.objective.parts(rows) if len(rows) else ():
                    for piece in np.array_split(part, min(state.pieces, len(part))):
                        for loss, gradients in self.workers.run(self._gradients, piece):
                            self.optimizer.gather(gradients)
                            total += loss
                return total
            except (RuntimeError, MemoryError) as error:
                if not _out_of_memory(error):
                    raise
                largest = max(map(len, self.objective.parts(rows)))
            # Outside the except block, so that the error's traceback no longer holds the tensors.
            self.optimizer.restart()
            if self.device.type == "cuda":
                torch.cuda.empty_cache()
            if state.pieces >= largest:
                raise TrainingError(
                    f"Memory does not suffice for step {state.step + 1}, not even text by text (tried with "
                    f"{largest} texts at once and fewer). {SMALLER}"
                ) from None
            state.pieces = min(2 * state.pieces, largest)
            _set_random_states(random, self.device)

    def _gradients(self, rows: Rows) -> tuple[float, list[torch.Tensor | None]]:
        loss = self.objective.loss(rows)
        return float(loss.detach()), self.optimizer.gradients(loss)

    def _score(self, progress: Progress) -> Progress:
        started = self.clock()
        state = self.state
        self.objective.network.eval()
        score = self.objective.score()
        if score is None:
            return progress
        better = score.value > state.best_score
        state.waited = 0 if better else state.waited + 1
        if better:
            self.best = self.optimizer.weights.clone()
            state.best_score, state.best_decay = score.value, self.optimizer.decay
            state.best_epoch = state.epoch + 1
        state.scoring += self._agreed(self.clock() - started)
        state.scores = (*state.scores, score.metric)
        best_epoch = state.best_epoch
        return replace(progress, score=score.metric, best=better, scores=state.scores, best_epoch=best_epoch)

    def _diverged(self, number: float) -> str:
        written = self.checkpoints.written() if self.checkpoints else []
        last = f" The last good checkpoint is {written[-1]}." if written else ""
        return (
            f"The loss became {number} at step {self.state.step + 1} of {self.steps} (epoch {self.state.epoch + 1}); "
            f"training diverged. Lower the learning rate, which is {self.settings.learning_rate:g}.{last}"
        )

    def _keep_checkpoint(self, *, always: bool = False) -> None:
        state, checkpoints = self.state, self.checkpoints
        if checkpoints is None:
            return
        seconds = state.seconds + state.scoring
        if not any(processes.gather(always or checkpoints.due(state.step, seconds))):
            return
        tensors = self.optimizer.tensors()
        if self.best is not None:
            tensors["best"] = self.best
        for i, states in enumerate(processes.gather(_random_states(self.device))):
            tensors |= {f"random.{name}.{i}": tensor for name, tensor in states.items()}
        numbers = {"place": asdict(state), "optimizer": self.optimizer.numbers(), "seconds": seconds}
        checkpoints.write(state.step, seconds, tensors, numbers)

    def _go_on(self, tensors: Mapping[str, torch.Tensor], numbers: Mapping[str, Any]) -> None:
        self.state = _State(**numbers["place"])
        for fields in (vars(self.state), self.state.last or {}):  # JSON has no tuples
            fields["scores"] = tuple(fields.get("scores", ()))
        self.optimizer.load(tensors, numbers["optimizer"])
        if "best" in tensors:
            self.best = tensors["best"].to(self.device)
        kinds = ("cpu", "cuda") if self.device.type == "cuda" else ("cpu",)
        _set_random_states({kind: tensors[f"random.{kind}.{processes.rank()}"] for kind in kinds}, self.device)


def _random_states(device: torch.device) -> dict[str, torch.Tensor]:
    import torch

    states = {"cpu": torch.get_rng_state()}
    if device.type == "cuda":
        states["cuda"] = torch.cuda.get_rng_state(device)
    return states


def _set_random_states(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    import torch

    torch.set_rng_state(states["cpu"])
    if "cuda" in states:
        torch.cuda.set_rng_state(states["cuda"], device)


def _out_of_memory(error: BaseException) -> bool:
    import torch

    # The allocators of CPUs and of Apple's GPUs have no error class of their own.
    words = ("can't allocate memory", "not enough memory", "out of memory")
    return isinstance(error, (MemoryError, torch.OutOfMemoryError)) or any(word in str(error) for word in words)
