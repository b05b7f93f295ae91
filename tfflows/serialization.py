"""The former place of `tfflows.joint.serialization`, importable for one release."""

import warnings

from tfflows.joint.serialization import deserialize, difference, serialize  # noqa: F401

warnings.warn("tfflows.serialization is now tfflows.joint.serialization", DeprecationWarning, stacklevel=2)
