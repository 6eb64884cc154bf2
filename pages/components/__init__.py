"""What pages draw, each file named after it. frame, state, store, address and text serve all of them."""
