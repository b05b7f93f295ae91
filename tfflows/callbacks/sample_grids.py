"""Pictures of what a flow draws, while it is trained."""

import importlib.util
import pathlib

import keras
import numpy as np
import tensorflow as tf

from tfflows.arguments import check_integer
from tfflows.ops import grids


class SampleGrids(keras.callbacks.Callback):
    """Writes grids of samples as PNG files, of the same latents every time, so that they show the progress.

    Files are `epoch_0010.png`, or `epoch_0010_temperature_0.7.png` when there are several temperatures. With a
    `log_dir` the grids go to TensorBoard as well, as `samples` or `samples/temperature_0.7`.

    Training is not touched: samples come from a seed of their own.

    Args:
      folder: to write to; it is made.
      every: int, epochs between grids; there is one after the last epoch too.
      context: `[n, ...]` of the images, of a conditional model; `None` otherwise.
      num_images: int, without a context.
      columns: int, images in a row.
      temperatures: floats, one grid each.
      value_range: `(black, white)`; by default from 0 to the largest level of the model's `dequantization`.
      seed: int, of the latents.
      log_dir: folder of TensorBoard's events, or `None`.

    Raises:
      ImportError: a `log_dir` without the package tensorboard, which TensorFlow writes images with.
      ValueError: numbers or temperatures that are not positive; at the start of training, no range.

    Example:

    >>> import numpy as np, pathlib, tempfile
    >>> from tfflows import callbacks, models
    >>> flow = models.Glow((4, 4, 1), num_levels=1, steps_per_level=1, hidden_filters=4)
    >>> flow.compile("adam")
    >>> folder = tempfile.mkdtemp()
    >>> grids = callbacks.SampleGrids(folder, num_images=4, columns=2, temperatures=(0.7, 1.0))
    >>> history = flow.fit(np.zeros([8, 4, 4, 1], "uint8"), verbose=0, callbacks=[grids])
    >>> sorted(path.name for path in pathlib.Path(folder).iterdir())
    ['epoch_0001_temperature_0.7.png', 'epoch_0001_temperature_1.png']
    """

    def __init__(
        self,
        folder,
        *,
        every=1,
        context=None,
        num_images=20,
        columns=10,
        temperatures=(1.0,),
        value_range=None,
        seed=0,
        log_dir=None,
    ):
        super().__init__()
        if log_dir is not None and importlib.util.find_spec("tensorboard") is None:
            raise ImportError("Pictures are written for TensorBoard by its package: pip install tensorboard")
        check_integer(every=every, columns=columns, num_images=num_images)
        self._temperatures = tuple(map(float, temperatures))
        if not self._temperatures or min(self._temperatures) <= 0:
            raise ValueError(f"`temperatures` must be positive. Received: {temperatures}")
        self._folder, self._log_dir = pathlib.Path(folder), log_dir
        self._every, self._columns, self._seed = every, columns, seed
        self._context = None if context is None else np.asarray(context)
        self._count = num_images if context is None else len(self._context)
        self._value_range = value_range
        self._events, self._done, self._written = None, 0, 0

    def on_train_begin(self, logs=None):
        """Refuses a model whose range is not known, and opens TensorBoard's file, if there is one."""
        self._range()
        self._done = self._written = 0
        if self._log_dir is not None:
            self._events = tf.summary.create_file_writer(str(self._log_dir))

    def on_epoch_end(self, epoch, logs=None):
        """Writes grids after every `every`th epoch."""
        if (epoch + 1) % self._every == 0:
            self._write(epoch + 1)
        self._done = epoch + 1

    def on_train_end(self, logs=None):
        """Writes the last grids, unless they are there, and closes TensorBoard's file."""
        if self._done != self._written:
            self._write(self._done)
        if self._events is not None:
            self._events.close()

    def _write(self, number):
        self._folder.mkdir(parents=True, exist_ok=True)
        for temperature in self._temperatures:
            context = {} if self._context is None else {"context": self._context}
            samples = self.model.sample(self._count, seed=self._seed, temperature=temperature, **context)
            picture = grids.picture(np.asarray(samples), *self._range(), self._columns)
            several = len(self._temperatures) > 1
            name = f"epoch_{number:04d}" + (f"_temperature_{temperature:g}" if several else "")
            keras.utils.array_to_img(picture, scale=False).save(self._folder / f"{name}.png")
            if self._events is not None:
                with self._events.as_default():
                    tag = f"samples/temperature_{temperature:g}" if several else "samples"
                    tf.summary.image(tag, picture[None], step=number)
        self._written = number

    def _range(self):
        if self._value_range is not None:
            return self._value_range
        dequantization = getattr(self.model, "dequantization", None)
        if dequantization is None:
            raise ValueError("`value_range` must be given for a model without a `dequantization`. Received: None")
        return 0, dequantization.levels - 1
