"""A diagram of the network that follows the settings."""

from __future__ import annotations

import streamlit as st

from forecasting import ForecastConfig
from forecasting.model.settings import HELP, WORDS
from forecasting.model.size import describe_network
from forecasting.words import count_of
from pages.components.frame import is_dark

__all__ = ["draw_network"]


def draw_network(config: ForecastConfig, expanded: bool):
    """Layers from the input to the output, each with the shape that leaves it and its parameters."""
    layers = describe_network(config)
    with st.expander("Diagram of the network", expanded=expanded):
        st.graphviz_chart(_dot(layers, config, is_dark()), width="content",
                          alt="The network from its input to its output: " + ", ".join(map(_words, layers)))
        total = sum(layer.parameters for layer in layers)
        frozen = sum(layer.parameters for layer in layers if layer.frozen)
        words = f"{count_of(total, 'parameter')} in all"
        if frozen:
            st.caption(f"{words}, {count_of(frozen, 'frozen one')} among them.", help=f"Frozen linear part: {HELP['skip']}")
        else:
            st.caption(f"{words}.")


def _dot(layers, config: ForecastConfig, dark: bool) -> str:
    ink, line, blue = ("#e4e9f0", "#7c8a9c", "#7db1ff") if dark else ("#1b2430", "#8693a4", "#1f5fbf")
    chain = [layer for layer in layers if not layer.frozen]
    lines = [f'rankdir=LR; bgcolor="transparent"; node [shape=box style=rounded fontname="sans-serif" fontsize=11 '
             f'color="{line}" fontcolor="{ink}"]; edge [color="{line}" arrowsize=0.7]']
    for i, layer in enumerate(chain):
        colour = f' color="{blue}" penwidth=1.6' if 0 < i < len(chain) - 1 else ""
        lines.append(f'n{i} [label="{_label(layer)}"{colour}]')
    lines += [f"n{i} -> n{i + 1}" for i in range(len(chain) - 1)]
    last = len(chain) - 1
    for layer in layers:
        if layer.frozen:
            lines.append(f'skip [label="{_label(layer)}" style="rounded,dashed"]; sum [label="+" shape=circle]; '
                         f"n0 -> skip; skip -> sum; n{last} -> sum")
    return "digraph { " + "; ".join(lines) + " }"


def _label(layer) -> str:
    weights = f"\\n{count_of(layer.parameters, 'parameter')}" if layer.parameters else ""
    return f"{_name(layer)}\\n{layer.shape}{weights}"


def _words(layer) -> str:
    return f"{_name(layer)} {layer.shape}" + (f" with {count_of(layer.parameters, 'parameter')}" if layer.parameters else "")


def _name(layer) -> str:
    return WORDS.get(layer.name, layer.name)
