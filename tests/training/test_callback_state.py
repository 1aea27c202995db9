"""What callbacks hold in plain attributes comes back as it was, in a callback that is made anew."""

import keras
import numpy as np
import pytest

from kzoo.training.callback_state import attributes, callback_states, pack, restore, unpack


class Seen(keras.callbacks.Callback):
    """Counts in an attribute that has the name of its argument."""

    def __init__(self, seen=0, limit=3, path="log.csv"):
        super().__init__()
        self.seen, self.limit, self.path = seen, limit, path
        self.by_epoch: dict = {}
        self.pair = (0, 0)
        self.best = 1.0
        self.names = {"set"}

    def work(self):
        self.seen += 1
        self.by_epoch[4] = np.ones(2)
        self.pair = (1, 2)
        self.best = None


@pytest.mark.parametrize("times", [1, 2])
def test_what_has_changed_comes_back_and_arguments_that_have_not_are_given_again(times):
    """Also after a second interruption."""
    states: list = []
    for _ in range(times):
        callback = Seen()
        before = attributes([callback])
        if states:
            restore([callback], states)
        callback.work()
        arrays: list[np.ndarray] = []
        states = unpack(pack(callback_states([callback], before), arrays), arrays)
    assert set(states[0]) == {"seen", "by_epoch", "pair", "best"}
    anew = Seen(limit=5)
    restore([anew], states)
    assert (anew.seen, anew.limit, anew.pair, anew.best) == (times, 5, (1, 2), None)
    assert list(anew.by_epoch) == [4]
    np.testing.assert_array_equal(anew.by_epoch[4], np.ones(2))


def test_arguments_of_callbacks_of_keras_are_given_again():
    """ReduceLROnPlateau changes the sign of one when it begins, each time."""

    class Own(keras.callbacks.ReduceLROnPlateau):
        def __init__(self, seen=0, **options):
            super().__init__(**options)
            self.seen = seen

    callback = Own(monitor="loss", min_delta=10.0)
    before = attributes([callback])
    callback.min_delta, callback.seen, callback.wait = -10.0, 1, 2
    state = callback_states([callback], before)[0]
    assert (state["seen"], state["wait"]) == (1, 2)
    assert "min_delta" not in state
