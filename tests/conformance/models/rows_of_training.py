"""Rows about training: weights of examples, seeds, frozen parts, callbacks."""

import keras
import numpy as np
import pytest
import tensorflow as tf
from case_of_model import negative_log_likelihoods, rewound
from rows import row

BY_CLASS = {0: 0.5, 2: 4.0}


class Sequence(keras.utils.PyDataset):
    """Given batches."""

    def __init__(self, *batches):
        super().__init__()
        self.batches = batches

    def __len__(self):
        return len(self.batches)

    def __getitem__(self, index):
        return self.batches[index]


@row("real_nvp", "radial_vae", "variational_flow")
def weights(case, _):
    """By every route the loss is `mean(w * nll)` by hand, in `fit` and in `evaluate`, and the same bits."""
    n = 8
    if case.kind == "target":
        model = case.to_train()
        for options in ({"sample_weight": np.ones(9)}, {"class_weight": {0: 2.0}}):
            with pytest.raises(ValueError, match="weighs all examples alike. Received: `(sample|class)_weight`"):
                model.fit(**options)
            with pytest.raises(ValueError, match="weighs all examples alike. Received: `(sample|class)_weight`"):
                model.evaluate(**options)
        return
    model, batch, w = case.to_train(), case.batch(n), np.exp(np.random.default_rng(2).normal(size=n))
    x, context = batch[0], (None if len(batch) == 1 else batch[1])
    nll = negative_log_likelihoods(model, batch)
    dataset = tf.data.Dataset.from_tensors((x, w if context is None else context, w))
    routes = {
        "arrays": lambda: {"x": x, "y": context, "sample_weight": w, "batch_size": n},
        "dataset": lambda: {"x": dataset},
        "generator": lambda: {"x": iter([(x, context, w)])},
        "sequence": lambda: {"x": Sequence((x, context, w))},
    }
    right, found, judged = pytest.approx(np.mean(w * nll), rel=1e-5), [], []
    for route in routes.values():
        shuffle = {} if "batch_size" not in route() else {"shuffle": False}
        found += rewound(model).fit(**route(), **shuffle, verbose=0).history["loss"]
        judged.append(rewound(model).evaluate(**route(), verbose=0, return_dict=True)["loss"])
    if case.kind == "autoencoder":
        parts = rewound(model)(x)
        found_parts = rewound(model).evaluate(x, sample_weight=w, batch_size=n, verbose=0, return_dict=True)
        for name, values in parts.items():
            assert found_parts[name] == pytest.approx(np.mean(w * values), rel=1e-5)
    plain = rewound(model).evaluate(x, context, batch_size=n, verbose=0, return_dict=True)["loss"]
    factor = plain / np.mean(nll)  # where `evaluate` draws no labels away
    assert found == [right] * len(routes) and len(set(found)) == 1
    assert len(set(judged)) == 1
    if "transformer_dropout" != case.name:
        assert judged[0] == right and factor == pytest.approx(1, rel=1e-5)
    labels = context if case.context == "class" else np.random.default_rng(3).integers(3, size=n)
    by_label = np.array([BY_CLASS.get(int(label), 1.0) for label in labels])
    right = [pytest.approx(np.mean(by_label * nll), rel=1e-5)]
    if case.context == "vector":
        with pytest.raises(ValueError, match="`class_weight` needs integer labels beside the events. Received"):
            model.fit(x, context, class_weight=BY_CLASS, verbose=0)
        return
    routes = [{"x": x, "y": labels, "batch_size": n, "shuffle": False}, {"x": Sequence((x, labels))}]
    routes += [{"x": tf.data.Dataset.from_tensors(each)} for each in ((x, labels), ((x, labels),))]
    for route in [*routes, {"x": iter([(x, labels)])}]:
        assert rewound(model).fit(**route, class_weight=BY_CLASS, verbose=0).history["loss"] == right


@row("transformer_dropout", "gaussian_vae", "variational_flow")
def one_seed_one_training(case, _):
    """Two trainings of one seed are the same bits: the losses and the weights; another seed is another training."""

    def trained(seed, strays):
        """`strays`: draws from the global generators that have nothing to do with the model."""
        model = case.to_train(0.01, eager=case.name not in ("real_nvp", "gaussian_vae"))
        keras.utils.set_random_seed(seed)
        losses = []
        for shuffle in (True, False):
            if case.kind == "target":
                history = model.fit(steps_per_epoch=2, batch_size=4, verbose=0)
            else:
                history = model.fit(*case.batch(6), batch_size=4, shuffle=shuffle, verbose=0)
            losses += history.history["loss"]
            for _ in range(strays):
                np.random.uniform(), tf.random.uniform([])
        return losses, model.get_weights()

    (losses, weights), (again, same) = trained(5, 0), trained(5, 3)
    assert losses == again
    for one, other in zip(weights, same, strict=True):
        np.testing.assert_array_equal(one, other)
    if case.kind != "target":  # which has a seed of its own
        assert trained(6, 0)[0] != losses


@row("flow_model", "maf", "iaf_vae")
def frozen_parts(case, _):
    """Lists of Keras and of TFP agree, whole, frozen in part and thawed; what is frozen keeps its bits in `fit`."""
    model = case.fresh()
    flow = model.posterior.flow if case.kind == "autoencoder" else model.distribution
    own = {id(v) for v in getattr(flow, "variables", ())}

    def agreed():
        by_keras = {id(v.value) for v in model.trainable_variables if id(v.value) in own}
        assert by_keras == {id(v) for v in getattr(flow, "trainable_variables", ())}
        return [variable.path for variable in model.trainable_variables]

    owner = model.posterior if case.kind == "autoencoder" else getattr(model, "flow", model)
    parts = [layer for layer in owner.flow_layers if layer.trainable_variables] or [model.posterior.heads]
    everything = agreed()
    model.trainable = False
    assert agreed() == []
    model.trainable = True
    assert agreed() == everything
    parts[0].trainable = False
    if case.kind == "autoencoder":
        model.encoder.trainable = False
    assert 0 < len(agreed()) < len(everything)
    model.compile(keras.optimizers.SGD(0.1), run_eagerly=True)
    before = {variable.path: variable.numpy() for variable in model.variables}
    model.fit(*(() if case.kind == "target" else case.batch(8)), verbose=0, **_few(case))
    trainable = {variable.path for variable in model.trainable_variables}
    for variable in model.variables:
        if "seed" not in variable.path and variable.path.rsplit("/", 1)[-1] != "steps":
            moved = (variable.numpy() != before[variable.path]).any()
            assert moved == (variable.path in trainable), variable.path
    parts[0].trainable = True
    if case.kind == "autoencoder":
        model.encoder.trainable = True
    assert agreed() == everything


def _few(case):
    return {"steps_per_epoch": 2, "batch_size": 8} if case.kind == "target" else {}


class Seen(keras.callbacks.Callback):
    """Counts calls for batches, and sets a rate for each."""

    def __init__(self):
        super().__init__()
        self.batches, self.plans = [], []

    def on_train_batch_begin(self, batch, logs=None):
        self.model.optimizer.learning_rate = 0.01 * (batch + 1)
        self.batches.append(batch)
        self.plans.append(self.model.plan.steps_per_call)


@row("flow_model", "gaussian_vae", "variational_flow")
def callbacks_of_batches(case, _):
    """A callback that needs each batch is called for each, and what it does counts from that batch on."""
    seen = Seen()
    model = case.to_train(1.0, eager=False)
    if case.kind == "target":
        rewound(model).fit(steps_per_epoch=3, batch_size=4, callbacks=[seen], verbose=0)
    else:
        rewound(model).fit(*case.batch(10), batch_size=4, shuffle=False, callbacks=[seen], verbose=0)
    assert seen.batches == [0, 1, 2] and set(seen.plans) == {1}
    by_hand = rewound(case.to_train(1.0))
    for batch in range(3):
        by_hand.optimizer.learning_rate = 0.01 * (batch + 1)
        part = tuple(each[4 * batch : 4 * (batch + 1)] for each in case.batch(10))
        with tf.GradientTape() as tape:
            if case.kind == "target":
                by_hand(tf.range(4), training=True)
                loss = by_hand.losses[0]
            elif case.kind == "autoencoder":
                by_hand(part[0], training=True)
                loss = by_hand.losses[0]
            else:
                loss = -tf.reduce_mean(by_hand(part, training=True))
        by_hand.optimizer.apply(tape.gradient(loss, by_hand.trainable_variables), by_hand.trainable_variables)
    for new, right in zip(model.trainable_variables, by_hand.trainable_variables, strict=True):
        np.testing.assert_allclose(new, right, rtol=1e-4, atol=1e-5)
