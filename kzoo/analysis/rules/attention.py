"""Attention over positions: projections like dense layers, and the two products with the attention weights.

Inside, a layer holds the projections, the attention weights (the softmax in place) and what they make of the values; no fused kernel is
assumed.
"""

from keras import layers

from ..counting import product, sum_of
from ..facts import Facts, rule
from ..graph import Call, Shape


@rule(layers.MultiHeadAttention)
def multi_head_attention(call: Call) -> Facts | None:
    """Query, value and perhaps key, each `(batch, *positions, features)`; unknown where attention runs over chosen axes only."""
    config = call.layer.get_config()
    if config["attention_axes"] not in (None, tuple(call.spatial_axes), list(call.spatial_axes)):
        return None
    shapes = call.shapes_by_argument
    query, value = shapes["query"], shapes["value"]
    key = shapes.get("key", value)
    heads, size = config["num_heads"], config["key_dim"]
    wide, narrow = heads * size, heads * (config["value_dim"] or size)
    asked, told = _positions(query), _positions(value)
    parts = (
        product(asked, query[-1], wide),
        product(_positions(key), key[-1], wide),
        product(told, value[-1], narrow),
        product(asked, told, wide + narrow),
        product(narrow, *call.output_shape[1:]),
    )
    inner = (product(asked, wide + narrow), product(told, wide + narrow), product(asked, told, heads))
    return Facts(sum_of(parts), reach="global", inner=sum_of(inner))


@rule(layers.Attention)
def dot_attention(call: Call) -> Facts:
    """Query, value and perhaps key: the scores, and their product with the values.

    Additive scores are made of a vector per pair of positions, which is held too.
    """
    query, value = call.input_shapes[0], call.input_shapes[1]
    asked, told = _positions(query), _positions(value)
    macs = sum_of((product(asked, told, query[-1]), product(asked, told, value[-1])))
    wide = 1 if call.layer.score_mode == "dot" else 1 + (query[-1] or 0)
    return Facts(macs, reach="global", inner=product(asked, told, wide))


def _positions(shape: Shape) -> int | None:
    return product(*shape[1:-1])
