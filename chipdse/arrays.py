"""Types of NumPy arrays, one name per element type, for annotations in the whole program.

Each name states the element type. Indices of 32 and of 64 bits have different names, because
compiled functions must not confuse them.
"""

import numpy as np
from numpy.typing import NDArray

Bools = NDArray[np.bool_]
Int8s = NDArray[np.int8]
Int32s = NDArray[np.int32]
Int64s = NDArray[np.int64]
UInt8s = NDArray[np.uint8]
UInt16s = NDArray[np.uint16]
UInt32s = NDArray[np.uint32]
UInt64s = NDArray[np.uint64]
Float32s = NDArray[np.float32]
Floats = NDArray[np.float64]  # the element type of every physical quantity
Texts = NDArray[np.str_]

Numbers = float | Floats  # what a model computes for one system or for many at once
