"""Numbers of an Arrow column as numpy, without pandas.

Arrow's own `to_numpy` imports pandas wherever it is installed: 50 MB and half a second for nothing.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


def numbers(column: "pa.ChunkedArray", dtype: "type[np.generic] | np.dtype[Any]", *, null: float = 0) -> "NDArray[Any]":
    """The column's values, shape (n,), in `dtype` (integers or floats), with `null` for nulls.

    Raises:
        pyarrow.ArrowInvalid: a value does not fit `dtype`.
    """
    import numpy as np
    import pyarrow as pa

    kind = np.dtype(dtype)
    filled = column.fill_null(null) if column.null_count else column
    parts = [np.empty(0, kind)]
    for chunk in filled.cast(pa.from_numpy_dtype(kind)).chunks:
        data = chunk.buffers()[1]
        if data is not None:
            parts.append(np.frombuffer(data, kind, len(chunk), chunk.offset * kind.itemsize))
    return np.concatenate(parts)
