"""A detector of odd rows in tables, as scikit-learn has them: a flow and kernels, each standardised on rows it has not
seen."""

import math

import numpy as np
from sklearn.base import BaseEstimator, OutlierMixin
from sklearn.utils import check_random_state, validation

from tfflows.arguments import check_integer, check_positive
from tfflows.evaluation.kernel_mixture import KernelMixture
from tfflows.evaluation.likelihood import checked_shape, default_batch_size
from tfflows.evaluation.surprise import conditional_surprise

FLOW, KERNELS = "flow", "kernels"
_HELD_OUT, _COPIES, _BATCH, _LEARNING_RATE, _PATIENCE = 0.2, 8_000, 256, 3e-3, 6
_NEVER = -1e30  # log-density of what has no finite one
_QUANTILES, _BEYOND, _GRID = 65, 3.0, 193  # of the integrals of `contributions`


class AnomalyDetector(OutlierMixin, BaseEstimator):
    """Finds rows that are unlike the rows of training, which are normal, or most of them are.

    Two densities of standardised columns judge a row: a masked autoregressive flow of rows with noise, trained until
    rows that were held out become less likely, and `KernelMixture`, kernels on the rows themselves. Each is compared
    with what it says of normal rows that it has not seen (held out from the flow; without their own kernel):

        score(x) = min over experts e of (log p_e(x) - mean_e) / deviation_e

    so a row is as odd as the expert says to whom it is odder, and an expert whose log-density varies much among unseen
    normal rows is trusted less. The flow is heard if most unseen rows are likelier under it than under the kernels,
    which is rare where rows come twice. Higher is more normal; units are deviations.

    A column without variance in training is centred; another value in it counts as `sqrt(n)` deviations, as it would if
    one of the `n` rows had it.

    Args:
      experts: of "flow" and "kernels"; the kernels alone take milliseconds and no TensorFlow.
      contamination: "auto", or a float in (0, 0.5], the share of the rows of training that are anomalies: so many of
        them `fit_predict` calls so.
      false_alarm_rate: float in (0, 1): with `contamination="auto"`, the share of new normal rows that `predict` may
        call anomalies, as estimated on held-out ones (`offset_` is this quantile of their scores).
      num_layers, hidden_units: of the flow, see `models.AutoregressiveFlow`.
      noise: float above 0, added to standardised rows that the flow learns from: its resolution.
      epochs: int, the most passes over the rows (copied with new noise up to 8,000), until 6 without progress.
      max_centres: int, rows that carry kernels, drawn without replacement if there are more.
      random_state: int, `numpy.random.RandomState` or `None`, as in scikit-learn.
      verbose: int, of the flow's `fit`: 1 for a progress bar.

    Attributes:
      n_features_in_, feature_names_in_: columns; names where the table has them all as strings.
      offset_: float, the threshold of `score_samples`.
      location_, scale_: float64 `[D]`, of the columns.
      flow_: `models.AutoregressiveFlow` of standardised columns (`flow_.save("flow.keras")`); `None` without.
      kernels_: `KernelMixture` of standardised columns; `None` without.
      standards_: dict, of each expert the mean and deviation of its log-density among unseen normal rows.
      heard_: tuple, the experts that `score_samples` hears.

    `pickle` and `joblib` keep a fitted detector.

    Raises:
      ValueError: arguments out of range (named), fewer than two rows, missing values, other columns than in `fit`.

    Example:

    >>> import numpy as np
    >>> rows = np.random.default_rng(0).normal(size=(500, 3))
    >>> detector = AnomalyDetector(experts=("kernels",), false_alarm_rate=0.01, random_state=0).fit(rows)
    >>> detector.predict([[0.0, 0.0, 0.0], [0.0, 9.0, 0.0]]).tolist()
    [1, -1]
    >>> detector.contributions([[0.0, 9.0, 0.0]]).argmax(axis=1).tolist()
    [1]
    """

    def __init__(
        self,
        *,
        experts=(FLOW, KERNELS),
        contamination="auto",
        false_alarm_rate=0.05,
        num_layers=3,
        hidden_units=(64, 64),
        noise=0.05,
        epochs=60,
        max_centres=3_000,
        random_state=None,
        verbose=0,
    ):
        self.experts = experts
        self.contamination = contamination
        self.false_alarm_rate = false_alarm_rate
        self.num_layers = num_layers
        self.hidden_units = hidden_units
        self.noise = noise
        self.epochs = epochs
        self.max_centres = max_centres
        self.random_state = random_state
        self.verbose = verbose

    def fit(self, X, y=None):
        """Learns from rows `[n, D]`; `y` is not used. Returns itself."""
        self._check_arguments()
        X = validation.validate_data(self, X, dtype=np.float64, reset=True, ensure_min_samples=2)
        seed = check_random_state(self.random_state).randint(2**31 - 1)
        rng = np.random.default_rng(seed)
        self.location_, deviation = X.mean(axis=0), X.std(axis=0)
        self._varies = X.max(axis=0) > X.min(axis=0)
        self.location_[~self._varies] = X[0, ~self._varies]
        self.scale_, self._missed = np.where(self._varies, deviation, 1.0), math.sqrt(len(X))
        self.scale_[self.scale_ == 0] = 1.0  # squares below the smallest number
        self._order = rng.permutation(len(X))
        z = self._standardised(X)[self._order]
        held_out = max(1, round(_HELD_OUT * len(z)))
        self.flow_ = self.kernels_ = None
        unseen = {}
        if KERNELS in self.experts:
            self.kernels_ = KernelMixture(z[: self.max_centres])
            unseen[KERNELS] = self.kernels_.left_out
        if FLOW in self.experts:
            self.flow_ = self._fitted_flow(z[held_out:], z[:held_out], rng, seed)
            unseen[FLOW] = self._log_density(FLOW, z[:held_out])
        self.standards_ = {name: _mean_and_deviation(values) for name, values in unseen.items()}
        shared = min(map(len, unseen.values()))  # the first rows, which both have judged
        unseen = {name: values[:shared] for name, values in unseen.items()}
        self.heard_ = tuple(unseen)
        if len(unseen) == 2 and np.mean(unseen[FLOW] > unseen[KERNELS]) <= 0.5:
            self.heard_ = (KERNELS,)
        scores = self._least(unseen)
        share = self.false_alarm_rate
        if self.contamination != "auto":
            scores, share = self._training_scores(z), self.contamination
        self.offset_ = float(np.quantile(scores, share))
        return self

    def fit_predict(self, X, y=None):
        """`fit`, and which of the rows themselves are anomalies, -1 or 1 `[n]`: each is judged by all others' kernels.

        `predict` takes every row for a new one: a copy of a row of training is normal to it.
        """
        z = self.fit(X)._standardised(validation.validate_data(self, X, dtype=np.float64, reset=False))[self._order]
        found = np.empty(len(z), dtype=int)
        found[self._order] = np.where(self._training_scores(z) < self.offset_, -1, 1)
        return found

    def score_samples(self, X):
        """How normal rows `[n, D]` are: float64 `[n]`, higher is more normal, in deviations (see the class)."""
        z = self._rows(X)
        return self._least({name: self._log_density(name, z) for name in self.heard_})

    def scores_by_expert(self, X):
        """What each expert says of rows `[n, D]`: a dict of float64 `[n]`; `score_samples` is the least of `heard_`."""
        z = self._rows(X)
        return {name: self._standard(name, self._log_density(name, z)) for name in self.standards_}

    def decision_function(self, X):
        """`score_samples` less the threshold, `[n]`: anomalies are below 0."""
        return self.score_samples(X) - self.offset_

    def predict(self, X):
        """-1 for anomalies and 1 for all others, int `[n]`."""
        return np.where(self.decision_function(X) < 0, -1, 1)

    def contributions(self, X):
        """Surprise of each column given the others, `-log p(x_j | x_-j)` in nats of standardised columns.

        Of the expert that decides on the row. The kernels' is `log p(x_-j) - log p(x)` in closed form, the flow's an
        integral, see `conditional_surprise`: about 290 log-densities a column, so ask for the rows that matter.

        Returns:
          float64 `[n, D]`: the largest is the column that least fits the others.
        """
        z = self._rows(X)
        log_densities = {name: self._log_density(name, z) for name in self.heard_}
        scores = np.stack([self._standard(name, values) for name, values in log_densities.items()])
        deciding = np.array(self.heard_)[scores.argmin(axis=0)]
        found = np.empty(z.shape)
        if (rows := deciding == KERNELS).any():
            others = [self.kernels_.log_prob(z[rows], without=j) for j in range(z.shape[1])]
            found[rows] = np.stack(others, axis=1) - log_densities[KERNELS][rows, None]
        if (rows := deciding == FLOW).any():
            found[rows] = conditional_surprise(self.flow_, z[rows].astype("float32"), self._grid, width=self.noise)
        return found

    def _check_arguments(self):
        experts = self.experts
        if isinstance(experts, str) or not set(experts) or set(experts) - {FLOW, KERNELS}:
            raise ValueError(f"`experts` must be of {FLOW!r} and {KERNELS!r}. Received: {experts!r}")
        check_positive(noise=self.noise, false_alarm_rate=self.false_alarm_rate)
        if self.false_alarm_rate >= 1:
            raise ValueError(f"`false_alarm_rate` must be below 1. Received: {self.false_alarm_rate!r}")
        share = self.contamination
        if not (isinstance(share, str) and share == "auto"):
            check_positive(contamination=share)
            if share > 0.5:
                raise ValueError(f'`contamination` must be "auto", or at most 0.5. Received: {share!r}')
        check_integer(epochs=self.epochs)
        check_integer(2, max_centres=self.max_centres)

    def _rows(self, X):
        validation.check_is_fitted(self)
        return self._standardised(validation.validate_data(self, X, dtype=np.float64, reset=False))

    def _standardised(self, X):
        z = (X - self.location_) / self.scale_
        z[:, ~self._varies] = np.sign(z[:, ~self._varies]) * self._missed
        return z

    def _fitted_flow(self, rows, held_out, rng, seed):
        """A flow of rows with noise, as it was when rows that it did not learn from were likeliest."""
        import keras

        from tfflows.models import AutoregressiveFlow

        if not len(rows):
            rows = held_out
        copies = -(-_COPIES // len(rows))

        def noisy(z):
            z = np.tile(z, (copies, 1))
            return rng.permutation(z + self.noise * rng.normal(size=z.shape)).astype("float32")

        options = {"num_layers": self.num_layers, "hidden_units": self.hidden_units, "seed": seed}
        flow = AutoregressiveFlow(rows.shape[1:], **options)
        flow.compile(keras.optimizers.Adam(_LEARNING_RATE))
        stop = keras.callbacks.EarlyStopping(patience=_PATIENCE, min_delta=1e-3, restore_best_weights=True)
        flow.fit(
            noisy(rows),
            validation_data=noisy(held_out),
            batch_size=_BATCH,
            validation_batch_size=_COPIES,
            epochs=self.epochs,
            shuffle=False,  # shuffled above: Keras would draw from the process's own generator
            callbacks=[stop],
            verbose=self.verbose,
        )
        ends = rows.min(axis=0) - _BEYOND, rows.max(axis=0) + _BEYOND
        quantiles = np.quantile(rows, np.linspace(0, 1, _QUANTILES), axis=0)
        self._grid = np.concatenate([np.linspace(*ends, _GRID), quantiles])
        return flow

    def _training_scores(self, z):
        """Scores of the rows of training, in the order in which they carry kernels: without their own."""
        own = np.where(np.arange(len(z)) < self.max_centres, np.arange(len(z)), -1)
        return self._least({name: self._log_density(name, z, own) for name in self.heard_})

    def _log_density(self, name, z, own=None):
        if name == KERNELS:
            found = self.kernels_.log_prob(z, own=own)
        else:
            step, largest = default_batch_size(z.shape[1:]), np.finfo(np.float32).max
            z = np.clip(z, -largest, largest).astype("float32")
            parts = (z[start : start + step] for start in range(0, len(z), step))
            found = np.concatenate([checked_shape(self.flow_.log_prob(part), (len(part),)) for part in parts])
        return np.where(np.isfinite(found), found, _NEVER)

    def _standard(self, name, log_density):
        mean, deviation = self.standards_[name]
        return (log_density - mean) / deviation

    def _least(self, log_densities):
        return np.min([self._standard(name, log_densities[name]) for name in self.heard_], axis=0)


def _mean_and_deviation(values):
    """Of log-densities; the deviation is 1 where there is none."""
    return float(values.mean()), float(values.std()) or 1.0
