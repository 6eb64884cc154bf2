"""Inside the LSTM: what happens in a trained network, on one's own prices."""

from pages.components.frame import page
from pages.components.inside.draw import draw_inside

with page("Inside the LSTM", "Watch a trained network read a window of prices: what it lets in, what it keeps, and what it "
          "makes of them.") as state:
    draw_inside(state)
